"""Batches out of the spool and to the server, one a turn, until the server has them."""

from unmasq.base.clock import Clock
from unmasq.base.errors import BatchRefused
from unmasq.base.telemetry import Counters
from unmasq.keep.day.split import halves
from unmasq.keep.spool.batches import Spool
from unmasq.keep.spool.queue import Spooled
from unmasq.model import wire
from unmasq.node.backoff import BackOff
from unmasq.node.order import Order
from unmasq.node.troubles import Troubles
from unmasq.node.upstream import Kind, Outcome, Upstream

LOOK_SECONDS = 0.2
"""How long a batch may lie in the spool before it is looked at."""

BATCHES = "batches"


class Sending:
    """One turn sends one batch, and says how many seconds nothing more is to be sent.

    Counts `ship_batches`, `ship_flows`, `ship_lines`, `ship_rejected`, `ship_translations` and `ship_bytes` of what the server
    has, and `ship_split`.
    """

    def __init__(
        self, spool: Spool, upstream: Upstream, order: Order, clock: Clock, counters: Counters, back_off: BackOff, troubles: Troubles
    ) -> None:
        self._spool, self._upstream, self._order = spool, upstream, order
        self._clock, self._counters, self._back_off, self._troubles = clock, counters, back_off, troubles

    def turn(self) -> float:
        """Send what goes next. Raises StoreError."""
        batch = self._next()
        if batch is None:
            return LOOK_SECONDS
        try:
            return self._after(batch, self._upstream.send(batch.id, batch.body))
        except Exception:
            self._order.failed(batch.number, self._clock.now_us())  # others need not share whatever is wrong with it
            raise

    def _next(self) -> Spooled | None:
        for passing_over in self._order.choices(self._clock.now_us()):
            batch = self._spool.take(passing_over)
            if batch is not None:
                self._order.chosen(batch.number)
                return batch
        return None

    def _after(self, batch: Spooled, outcome: Outcome) -> float:
        if outcome.kind is Kind.DONE:
            self._has(batch)
            return 0
        if outcome.kind is Kind.TOO_LARGE:
            self._make_smaller(batch)
            return 0
        if outcome.is_not_taken:
            self._spool.not_taken(batch)
        self._troubles.note(BATCHES, outcome.reason, outcome.why)
        return self._wait(batch, outcome)

    def _wait(self, batch: Spooled, outcome: Outcome) -> float:
        """All wait where all failed; only this one where others may get through."""
        now_us = self._clock.now_us()
        if outcome.kind is Kind.REFUSED:
            self._order.step_aside(batch.number, now_us)
            return 0
        if outcome.kind is Kind.FAILED and self._order.failed(batch.number, now_us):
            return outcome.wait_seconds
        return self._back_off.failed(outcome.wait_seconds)

    def _has(self, batch: Spooled) -> None:
        self._spool.forget(batch)
        for name, amount in (*batch.content._asdict().items(), ("bytes", len(batch.body))):
            self._counters.add(f"ship_{name}", amount)
        self._back_off.succeeded()
        aside = self._order.aside
        if aside:
            self._order.only(self._spool.here(aside))
        if not self._order.aside:
            self._troubles.well(BATCHES)

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
