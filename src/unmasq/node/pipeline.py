"""The sentence: read lines, observe connections, join them, unwind their hops, hand on the flows."""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from unmasq.base.clock import Clock
from unmasq.model.connection import ConnectionBatch
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.ingress import Chunk
from unmasq.model.openpart import OpenPart
from unmasq.node.desk import GATHER_LINES, Desk
from unmasq.observe.listeners import Listeners
from unmasq.observe.pace import Pace


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
    """One node's work. `step` and `finish` are called by one thread, `snapshot` by any.

    `moment` is held while flows move from the desk to the sink, so that whoever asks meanwhile sees them exactly once;
    `give_way` is called between two chunks of a log, which can wait.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        witness: Eyes | None,
        listeners: Listeners,
        desk: Desk,
        sink: Callable[[FlowBatch], None],
        clock: Clock,
        moment: AbstractContextManager[object],
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self._sources, self._witness, self._listeners = sources, witness, listeners
        self._desk, self._sink, self._clock, self._moment = desk, sink, clock, moment
        self._give_way = give_way
        self._pace, self._learned = Pace(), False

    def begin(self) -> None:
        """Look at what is there already: whatever comes to light later began after this."""
        self._look_again()

    def step(self) -> int:
        """Take in what there is, hand on what is complete; returns the number of lines read.

        The kernel first: a connection begins before its lines are written, so most of them need not wait for it.
        """
        self._observe()
        count = self._read()
        self._look_again()
        self._hand_on(everything=False)
        return count

    def finish(self) -> None:
        """Hand on everything: nothing more will come."""
        self._hand_on(everything=True)

    def snapshot(self, known: Collection[Hashable]) -> list[OpenPart]:
        """The flows that are still open, as they would be now; of the `known` parts only the serials."""
        with self._moment:
            return self._desk.open(known)

    def _read(self) -> int:
        """The number of lines read. They may name listeners that were not known."""
        count = 0
        for source in self._sources:
            for chunk in source.poll(self._clock.now_us()):
                now_us = self._clock.now_us()
                lines = self._desk.read(chunk, now_us)
                with self._moment:
                    self._desk.admit(lines, chunk, now_us)
                self._learned |= self._listeners.learn(lines)
                count += len(lines)
                if len(self._desk) >= GATHER_LINES:  # a backlog: what is complete must not wait for its end
                    self._hand_on(everything=False)
                self._give_way()
        return count

    def _observe(self) -> None:
        if self._witness is not None:
            self._meet(self._witness.read())

    def _look_again(self) -> None:
        """Dump the table where it is time, sooner where lines named a listener whose connections were passed over so far.

        Not at once for each: destinations that somebody writes into a log must not keep us busy with dumps.
        """
        began_us = self._clock.now_us()
        if self._witness is None:
            return
        if self._witness.dump_due(began_us) or (self._learned and self._pace.due(began_us, urgent=True)):
            self._meet(self._witness.dump(), began_us)
            self._pace.dumped(began_us, self._clock.now_us())
            self._learned = False

    def _meet(self, connections: ConnectionBatch, dump_began_us: int | None = None) -> None:
        passing = self._listeners.passing(connections)
        with self._moment:
            self._desk.take_connections(connections.take(~passing) if passing.any() else connections, dump_began_us)
            self._desk.take_passing(connections.take(passing), dump_began_us)

    def _hand_on(self, *, everything: bool) -> None:
        with self._moment:
            for closed in self._desk.close(self._clock.now_us(), everything=everything):
                self._sink(closed)
