"""Logs and kernel events that were recorded, given to the pipeline in the time at which they happened."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from unmasq.base.clock import MICROSECONDS, ManualClock
from unmasq.base.telemetry import Counters
from unmasq.model.connection import ConnectionBatch
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.read.stream import read_stream

READ_US = 1_795_300_000_000_000
CHUNK_BYTES = 4 << 20


def chunks(path: str) -> Iterator[Chunk]:
    """A log as the program reads it: 4 MB of whole lines at a time."""
    with Path(path).open("rb") as file:
        yield from read_stream(file, Counters(), "bench", chunk_bytes=CHUNK_BYTES)


class Paced:
    """A log as a source of the pipeline: each poll gives what was written since the last one."""

    def __init__(self, path: str, bytes_a_step: int) -> None:
        self._log = Path(path).open("rb")  # noqa: SIM115  # as long as the process, which measures once
        self._file = FileIdentity(1, 1, "bench")
        self._bytes_a_step = bytes_a_step
        self._at = 0

    def poll(self, now_us: int) -> Iterable[Chunk]:  # noqa: ARG002  # a log at rest does not know the time
        data = self._log.read(self._bytes_a_step) + self._log.readline()
        if data:
            yield Chunk(self._file, "bench.log", self._at, data, live=True)
            self._at += len(data)


class Recorded:
    """A witness that saw what is in a file of `bench.kernel.events`; nothing needs a dump."""

    def __init__(self, path: str, clock: ManualClock) -> None:
        with np.load(path) as columns:
            self._batch = ConnectionBatch.of(columns)
        self._clock = clock
        self._at = 0

    def read(self) -> ConnectionBatch:
        """The events up to now."""
        end = int(np.searchsorted(self._batch.seen_us, self._clock.now_us(), "right"))
        rows = np.arange(self._at, end)
        self._at = end
        return self._batch.take(rows)

    def dump_due(self, now_us: int) -> bool:  # noqa: ARG002  # as above
        return False

    def dump(self) -> ConnectionBatch:
        """Nothing that `read` does not give."""
        return ConnectionBatch.empty()

    @property
    def span_us(self) -> tuple[int, int]:
        """When the first event was seen, and when the last."""
        return int(self._batch.seen_us[0]), int(self._batch.seen_us[-1]) + MICROSECONDS
