"""What an operator should hear of requests: a line of JSON for each that is refused or fails, and for whoever logs in."""

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from unmasq.base import moments, safe
from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.safe import shortened

MOST = 60
WITHIN_US = 60 * MICROSECONDS
"""So many lines in such a time: whoever asks nonsense must not fill a disk with it."""

LONGEST = 200
"""Characters of a text that somebody sent."""

Write = Callable[[str], None]


class Journal:
    """Any thread may call. What was left out is told with the next line, by its number."""

    def __init__(self, write: Write, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._log = structlog.wrap_logger(
            _Sink(write),
            processors=[structlog.processors.JSONRenderer(serializer=_line)],
            wrapper_class=structlog.make_filtering_bound_logger(0),
            cache_logger_on_first_use=True,
        )
        self._since_us, self._said, self._omitted = clock.now_us(), 0, 0

    def must(self, event: str, **what: object) -> None:
        """Say what is never left out, since nobody can bring it about at will."""
        self._log.info(event, at=moments.text(self._clock.now_us()), **_short(what))

    def say(self, event: str, **what: object) -> None:
        """Say something, unless too much was said lately."""
        with self._lock:
            omitted = self._renewed()
            self._said += 1
            is_too_much = self._said > MOST
            self._omitted += int(is_too_much)
        if omitted:
            self.must("omitted", lines=omitted)
        if not is_too_much:
            self.must(event, **what)

    def _renewed(self) -> int:
        """How many lines were left out of a time that is over."""
        now_us = self._clock.now_us()
        if 0 <= now_us - self._since_us < WITHIN_US:
            return 0
        omitted, self._since_us, self._said, self._omitted = self._omitted, now_us, 0, 0
        return omitted


class _Sink:
    """Where structlog leaves a line."""

    def __init__(self, write: Write) -> None:
        self.info = write


def _line(event: dict[str, Any], **_how: Any) -> str:
    return safe.json(msgspec.json.encode(event)).decode()


def _short(what: dict[str, object]) -> dict[str, object]:
    known = {name: value for name, value in what.items() if value not in (None, "")}
    return {name: shortened(value, LONGEST) if isinstance(value, str) else value for name, value in known.items()}
