"""The table of one feed in one namespace, read as a whole."""

import socket

from unmasq.base.clock import Clock
from unmasq.base.telemetry import Counters
from unmasq.model.connection import ConnectionBatch
from unmasq.observe.dump import Dump
from unmasq.observe.feed import Feed, Taking


class Table:
    """The table behind a socket of a feed, which it owns. Counts `_dumps` and `_dump_interrupted` after the feed's name."""

    def __init__(self, feed: Feed, sock: socket.socket, counters: Counters, clock: Clock, intake: Taking) -> None:
        self._feed, self._socket, self._counters, self._clock, self._intake = feed, sock, counters, clock, intake
        self._sequence = 0

    def read(self) -> ConnectionBatch:
        """Every entry. An answer that the kernel calls interrupted is asked for once more. Raises KernelError."""
        batch, interrupted = self._answers()
        if interrupted:
            self._counters.add(f"{self._feed.name}_dump_interrupted")
            batch, _ = self._answers()
        self._counters.add(f"{self._feed.name}_dumps")
        return batch

    def close(self) -> None:
        """Close the socket. Twice is fine."""
        self._socket.close()

    def _answers(self) -> tuple[ConnectionBatch, bool]:
        parts: list[ConnectionBatch] = []
        interrupted = False
        for request in self._feed.requests:
            self._sequence += 1
            answer = Dump(self._socket, request(self._sequence), self._feed.table)
            # Part by part: the rows of a full table would take hundreds of megabytes.
            parts += [self._intake.take([part], self._clock.now_us()) for part in answer]
            interrupted |= answer.interrupted
        return ConnectionBatch.concat(parts), interrupted
