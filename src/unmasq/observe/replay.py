"""A witness without a kernel: it tells of given connections when their time has come. For tests and benches."""

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import numpy as np

from unmasq.base.clock import Clock
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.observe.listeners import Listeners


class Replay:
    """The methods of `Witness` over given batches: a row is due when the clock has reached its `seen_us`.

    Rows of events come by `read`, those of dumps by `dump`, each once. `fileno` is readable until all events are read.
    """

    def __init__(self, batches: Sequence[ConnectionBatch], clock: Clock, listeners: Listeners) -> None:
        self._clock, self._listeners = clock, listeners
        rows = ConnectionBatch.concat(batches)
        rows = rows.take(np.argsort(rows.seen_us, kind="stable"))
        dumped = rows.event == ConnectionEvent.DUMP
        self._events, self._dumps = rows.take(~dumped), rows.take(dumped)
        self._readable = os.eventfd(len(self._events) > 0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the descriptor back. Twice is fine."""
        if self._readable >= 0:
            os.close(self._readable)
            self._readable = -1

    def fileno(self) -> int:
        """A descriptor that is readable until all events are read."""
        return self._readable

    def read(self) -> ConnectionBatch:
        """The events that are due."""
        due, self._events = _split(self._events, self._clock.now_us())
        if due and not self._events:
            os.eventfd_read(self._readable)
        return self._listeners.keep(due)

    def dump_due(self, now_us: int) -> bool:
        """Whether a row of a dump is due."""
        return len(self._dumps) > 0 and int(self._dumps.seen_us[0]) <= now_us

    def dump(self) -> ConnectionBatch:
        """The rows of dumps that are due."""
        due, self._dumps = _split(self._dumps, self._clock.now_us())
        return self._listeners.keep(due)


def _split(rows: ConnectionBatch, now_us: int) -> tuple[ConnectionBatch, ConnectionBatch]:
    """The rows seen up to now, and those after."""
    end = int(np.searchsorted(rows.seen_us, now_us, side="right"))
    order = np.arange(len(rows))
    return rows.take(order[:end]), rows.take(order[end:])
