"""The sentence: read lines, observe connections, join them, unwind their hops, hand on the flows."""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from unmasq.base.clock import Clock
from unmasq.base.telemetry import Counters
from unmasq.model.connection import ConnectionBatch
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.ingress import Chunk
from unmasq.node.desk import Desk
from unmasq.observe.listeners import Listeners


class Source(Protocol):
    """A log: gives the whole lines that were written since it was asked last."""

    def poll(self, now_us: int) -> Iterable[Chunk]:
        """Chunks of whole lines; never waits."""
        ...


class Eyes(Protocol):
    """A witness of connections, live or replayed."""

    def read(self) -> ConnectionBatch: ...
    def dump_due(self, now_us: int) -> bool: ...
    def dump(self) -> ConnectionBatch: ...


class Pipeline:
    """One node's work. `step` is called by one thread, `snapshot` by any."""

    def __init__(
        self, sources: Sequence[Source], witness: Eyes | None, listeners: Listeners, desk: Desk, sink: Callable[[FlowBatch], None], clock: Clock, counters: Counters
    ) -> None:
        self._sources, self._witness, self._listeners = sources, witness, listeners
        self._desk, self._sink, self._clock, self._counters = desk, sink, clock, counters
        self._turn = threading.Lock()

    def step(self) -> int:
        """Take in what there is, hand on what is complete; returns the number of lines read."""
        with self._turn:
            count, learned = self._read(self._clock.now_us())
            self._observe(learned=learned)
            closed = self._desk.close(self._clock.now_us())
        if closed:
            self._sink(closed)
        return count

    def finish(self) -> None:
        """Hand on everything: nothing more will come."""
        with self._turn:
            closed = self._desk.close(self._clock.now_us(), everything=True)
        if closed:
            self._sink(closed)

    def snapshot(self) -> FlowBatch | None:
        """The flows that are still open, as they would be now."""
        with self._turn:
            return self._desk.open(self._clock.now_us())

    def _read(self, now_us: int) -> tuple[int, bool]:
        count, learned = 0, False
        for source in self._sources:
            for chunk in source.poll(now_us):
                lines = self._desk.take_lines(chunk, now_us)
                learned |= self._listeners.learn(lines)
                count += len(lines)
        return count, learned

    def _observe(self, *, learned: bool) -> None:
        if self._witness is None:
            return
        self._desk.take_connections(self._witness.read())
        if learned or self._witness.dump_due(self._clock.now_us()):
            self._desk.take_connections(self._witness.dump())
