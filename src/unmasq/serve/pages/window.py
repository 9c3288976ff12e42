"""The window of a page: what the query says, else the last day, which ends at the newest flow where nothing is newer."""

from collections.abc import Iterable
from dataclasses import replace

from msgspec import Struct

from unmasq.base.clock import DAY_US, MICROSECONDS
from unmasq.base.moments import ago
from unmasq.model.filter import FlowFilter
from unmasq.serve.contract import filter_of

USUAL = "24h"
LENGTHS = ("15m", "1h", "24h", "7d", "30d")
EVER = "all"


class Window(Struct, frozen=True):
    """From when to when, microseconds UTC; both null for everything that is kept.

    `last` is its length in words, null where it was given by its ends; `is_over`: it ends at the newest flow, not now.
    """

    since_us: int | None
    until_us: int | None
    last: str | None
    is_over: bool = False

    @property
    def end_us(self) -> int:
        """Its end as a number, far in the future where it has none."""
        return 1 << 62 if self.until_us is None else self.until_us


def asked(pairs: Iterable[tuple[str, str]], now_us: int, newest_us: int | None) -> tuple[FlowFilter, Window]:
    """The filter of a query string, with its window. Raises InvalidRequest."""
    pairs = list(pairs)
    times = {name: value for name, value in pairs if name in ("since", "until", "last")}
    wanted = filter_of([pair for pair in pairs if pair != ("last", EVER)], now_us)
    if "since" in times or "until" in times:
        return wanted, Window(wanted.since_us, wanted.until_us, None)
    last = times.get("last", USUAL)
    if last == EVER:
        return wanted, Window(None, None, EVER)
    window = _of_length(last, now_us, newest_us)
    return replace(wanted, since_us=window.since_us, until_us=window.until_us), window


def _of_length(last: str, now_us: int, newest_us: int | None) -> Window:
    since_us = ago(last, now_us)
    if newest_us is None or newest_us >= since_us:
        return Window(since_us, None, last)
    end_us = newest_us + MICROSECONDS  # the second of the newest flow belongs to it
    return Window(end_us - (now_us - since_us), end_us, last, is_over=True)


def closed(window: Window, oldest_us: int | None, newest_us: int | None, now_us: int) -> tuple[int, int] | None:
    """The window with both ends, for bars: of everything it is from the oldest flow to now. None where there is nothing."""
    if oldest_us is None or newest_us is None:
        return None
    until_us = min(window.end_us, max(now_us, newest_us + 1))
    since_us = max(oldest_us, 0) if window.since_us is None else max(window.since_us, oldest_us - DAY_US)
    return (since_us, until_us) if since_us < until_us else None
