"""Sending what the spool holds to the server, oldest first, until the server has it."""

import threading
import time
from collections.abc import Callable
from typing import Self

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import BatchRefused, StoreError
from unmasq.base.telemetry import Counters
from unmasq.keep.split import halves
from unmasq.keep.spool import Spool, Spooled
from unmasq.model import wire
from unmasq.node.backoff import BackOff
from unmasq.node.settings import Told
from unmasq.node.upstream import Kind, Outcome, Upstream

SETTINGS_US = 15 * MICROSECONDS
"""How often the server is asked for settings."""

_LEAVE_SECONDS = 5.0
_LOOK_SECONDS = 0.2  # how long a batch may lie in the spool before it is looked at


class Shipper:
    """One step after another: `step` sends one batch or asks for settings, and says how long nothing is to be done.

    Counts `ship_batches`, `ship_flows`, `ship_lines`, `ship_bytes` of what the server has, `ship_failed` by reason (each is
    tried again), `ship_split`, and `ship_settings`. `tell` gets a sentence when something begins to go wrong, and when it is well.
    """

    def __init__(
        self, spool: Spool, upstream: Upstream, told: Told, clock: Clock, counters: Counters, back_off: BackOff, tell: Callable[[str], None]
    ) -> None:
        self._spool, self._upstream, self._told = spool, upstream, told
        self._clock, self._counters, self._back_off, self._tell = clock, counters, back_off, tell
        self._wait_until_us = self._settings_us = 0
        self._after = 0  # batches up to here were refused in this pass: others must not wait for them
        self._troubles: dict[str, dict[str, str]] = {"batches": {}, "settings": {}}

    @property
    def trouble(self) -> str | None:
        """Why batches, or else settings, do not get through now."""
        return next((why for troubles in self._troubles.values() for why in reversed(list(troubles.values()))), None)

    def step(self) -> float:
        """Do what is due; returns the seconds until there may be more to do. Raises StoreError."""
        now_us = self._clock.now_us()
        if now_us < self._wait_until_us <= now_us + 1000 * MICROSECONDS:  # the clock may have jumped back
            return (self._wait_until_us - now_us) / MICROSECONDS
        if self._told.is_news or not 0 <= now_us - self._settings_us < SETTINGS_US:
            return self._refresh(now_us)
        batch = self._spool.take(self._after)
        if batch is not None:
            return self._after_sending(batch, self._upstream.send(batch.id, batch.body))
        if self._after:
            self._after = 0
            return self._wait(self._back_off.failed())
        return _LOOK_SECONDS

    def left(self) -> int:
        """Batches that the server does not have."""
        return self._spool.backlog().batches

    def _refresh(self, now_us: int) -> float:
        self._settings_us = now_us
        outcome = self._told.refresh(self._upstream)
        if outcome.kind in (Kind.DONE, Kind.UNCHANGED):
            self._counters.add("ship_settings", reason=outcome.kind.value)
            self._well("settings")
            return 0
        self._note("settings", outcome)
        return self._wait(self._back_off.failed(outcome.wait_seconds))

    def _after_sending(self, batch: Spooled, outcome: Outcome) -> float:
        if outcome.kind is Kind.DONE:
            self._has(batch)
            return 0
        if outcome.kind is Kind.TOO_LARGE:
            self._make_smaller(batch)
            return 0
        if outcome.kind is Kind.REFUSED:
            self._after = batch.number
            self._note("batches", outcome)
            return 0
        self._note("batches", outcome)
        return self._wait(self._back_off.failed(outcome.wait_seconds))

    def _has(self, batch: Spooled) -> None:
        self._spool.forget(batch)
        for name, amount in (("batches", 1), ("flows", batch.flows), ("lines", batch.lines), ("bytes", len(batch.body))):
            self._counters.add(f"ship_{name}", amount)
        self._back_off.succeeded()
        if not self._after:
            self._well("batches")

    def _make_smaller(self, batch: Spooled) -> None:
        """Two halves instead; a single flow or record that is too large for the server can only be given up."""
        try:
            whole = wire.decode(batch.body)
        except BatchRefused:  # of another version of this program
            self._spool.drop(batch, "unreadable")
            return
        if len(whole) < 2 and len(whole.translations) < 2:
            self._spool.drop(batch, "too_large")
            return
        self._counters.add("ship_split")
        self._spool.replace(batch, halves(whole))

    def _wait(self, seconds: float) -> float:
        self._wait_until_us = self._clock.now_us() + int(seconds * MICROSECONDS)
        return seconds

    def _note(self, what: str, outcome: Outcome) -> None:
        """Count it, and tell a person once of each kind of trouble until it is well again."""
        self._counters.add("ship_failed", reason=outcome.reason)
        known = self._troubles[what]
        if not any(outcome.reason in troubles for troubles in self._troubles.values()):
            self._tell(f"{self._upstream.url}: {outcome.why}; what is not sent waits in the spool")
        known.pop(outcome.reason, None)
        known[outcome.reason] = outcome.why

    def _well(self, what: str) -> None:
        if self._troubles[what]:
            self._tell(f"{self._upstream.url}: {what} get through again")
            self._troubles[what].clear()


class Shipping:
    """A shipper at work in a thread of its own while it is entered."""

    def __init__(self, shipper: Shipper, tell: Callable[[str], None]) -> None:
        self._shipper, self._tell = shipper, tell
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="unmasq-ship", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(_LEAVE_SECONDS)  # a server that does not answer now holds nobody up: the spool has everything

    def leave(self, seconds: float) -> None:
        """Give it so long to empty the spool, while all is well."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._shipper.trouble is None and self._shipper.left():
            time.sleep(_LOOK_SECONDS / 4)

    def _run(self) -> None:
        wait_seconds = 0.0
        while not self._stop.wait(wait_seconds):
            try:
                wait_seconds = self._shipper.step()
            except StoreError as error:
                self._tell(str(error))
                wait_seconds = 1.0
