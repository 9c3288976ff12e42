"""Between a node's desk and its spool: flows gather a moment, since one large batch is cheaper than many small ones."""

from collections.abc import Callable

from unmasq.base.clock import Clock
from unmasq.keep.day.split import together
from unmasq.model.flowbatch import FlowBatch


class Outbox:
    """Belongs to the thread that reads. What is here is not covered yet: after a crash its lines are read again."""

    def __init__(self, put: Callable[[FlowBatch], None], clock: Clock, *, rows: int = 50_000, wait_us: int = 1_000_000) -> None:
        """`put` takes a batch that is on disk when it returns."""
        self._put, self._clock, self._rows, self._wait_us = put, clock, rows, wait_us
        self._parts: list[FlowBatch] = []
        self._since_us = 0

    def append(self, batch: FlowBatch) -> None:
        """Take a batch, and put all that is here if it is time. Raises what `put` raises; the batch is here all the same."""
        if not self._parts:
            self._since_us = self._clock.now_us()
        self._parts.append(batch)
        self.flush_due()

    def flush_due(self) -> None:
        """Put if enough is here, or if something waited long enough. Raises what `put` raises; then all goes on waiting."""
        rows = sum(len(part.flows) + len(part.chains) + len(part.translations) for part in self._parts)
        if self._parts and (rows >= self._rows or not 0 <= self._clock.now_us() - self._since_us < self._wait_us):
            self.flush()

    def flush(self) -> None:
        """Put all that is here, as one batch."""
        for batch in together(self._parts):
            self._put(batch)
        self._parts = []
