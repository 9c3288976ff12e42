"""The connection tracking table of one namespace, read as a whole."""

import socket

from unmasq.base.clock import Clock
from unmasq.base.telemetry import Counters
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import conntrack
from unmasq.observe.dump import Dump
from unmasq.observe.intake import Intake


class Table:
    """The table behind a conntrack socket, which it owns. Counts `conntrack_dumps` and `conntrack_dump_interrupted`."""

    def __init__(self, sock: socket.socket, counters: Counters, clock: Clock, intake: Intake) -> None:
        self._socket, self._counters, self._clock, self._intake = sock, counters, clock, intake
        self._sequence = 0

    def read(self) -> ConnectionBatch:
        """Every entry. An answer that the kernel calls interrupted is asked for once more. Raises KernelError."""
        batch, interrupted = self._answer()
        if interrupted:
            self._counters.add("conntrack_dump_interrupted")
            batch, _ = self._answer()
        self._counters.add("conntrack_dumps")
        return batch

    def close(self) -> None:
        """Close the socket. Twice is fine."""
        self._socket.close()

    def _answer(self) -> tuple[ConnectionBatch, bool]:
        self._sequence += 1
        answer = Dump(self._socket, conntrack.dump_request(self._sequence), "the connection tracking table")
        # Part by part: the rows of a full table would take hundreds of megabytes.
        parts = [self._intake.take([part], self._clock.now_us()) for part in answer]
        return ConnectionBatch.concat(parts), answer.interrupted
