"""The collector's log: read on by a tail, watched as it grows, and given back to the disk where that is wanted."""

import threading
from collections.abc import Iterator, Mapping, Sequence

from unmasq.base.clock import MICROSECONDS
from unmasq.base.notes import Notes
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.model.runs import Runs
from unmasq.node.collector import disk
from unmasq.node.collector.cursor import Cursor
from unmasq.read.lines import Window
from unmasq.read.tail import Tail

Covered = Mapping[FileIdentity, Sequence[tuple[int, int]]]

_CHUNK_BYTES = 1 << 20  # one message of a stream; a node takes twice that
_LOOK_US = 10 * MICROSECONDS
_MOST_FILES = 16  # of which is remembered what was acknowledged: the rotated ones that may still be read, and some more


class CollectorLog:
    """The log at `path`, from where it was saved on, at first from its end, until `resume` says otherwise.

    `acknowledge` may be called by any thread, everything else by one at a time. Beyond `warn_bytes` on the disk a warning is
    noted, again at each doubling. With `give_back` the blocks of what was acknowledged are freed; the file keeps its length,
    so that nothing that is written meanwhile can be lost. Raises InputError if the log can never be read.
    """

    def __init__(self, path: str, counters: Counters, notes: Notes, *, warn_bytes: int, give_back: bool) -> None:
        self.path, self._counters, self._notes = path, counters, notes
        self._warn_bytes, self._give_back = warn_bytes, give_back
        self._lock, self._cursor = threading.Lock(), Cursor(path, counters, notes)
        self._kept = {file: Runs([(0, offset)]) for file, offset in self._cursor.load().items()}
        self._passed_over = 0  # of the files in `begun`, which is in the order in which they were
        self._newest: FileIdentity | None = None
        self._looked_us: int | None = None
        self._tail = self._opened({file: list(runs) for file, runs in self._kept.items()}, from_start=False)
        self.pass_over()

    @property
    def begun(self) -> Mapping[FileIdentity, int]:
        """As `Tail.begun`."""
        return self._tail.begun

    def resume(self, covered: Covered) -> None:
        """Read everything that is not covered; if nothing is at all, from the first line. Raises InputError."""
        tail = self._opened(covered, from_start=not covered)
        self._tail.close()
        with self._lock:
            self._tail, self._kept, self._passed_over = tail, {}, 0

    def poll(self, now_us: int) -> Iterator[Chunk]:
        """Whole lines that were written since, and a look at the size now and then."""
        for chunk in self._tail.poll(now_us):
            self._counters.add("collector_read_bytes", len(chunk.data))
            self._newest = chunk.file
            yield chunk
        if self._looked_us is None or abs(now_us - self._looked_us) >= _LOOK_US:
            self._looked_us = now_us
            self._look()

    def acknowledge(self, covered: Covered) -> None:
        """These runs are kept elsewhere, or nobody's to send."""
        with self._lock:
            for file, runs in covered.items():
                kept = self._kept[file] = self._kept.pop(file, Runs())
                for start, end in runs:
                    kept.add(start, end)
            for oldest in list(self._kept)[:-_MOST_FILES]:
                del self._kept[oldest]

    def pass_over(self) -> None:
        """What was written before reading began is nobody's to send; this is saved before anything of it is read."""
        begun = list(self.begun.items())
        if len(begun) > self._passed_over:
            self.acknowledge({file: [(0, offset)] for file, offset in begun[self._passed_over :]})
            self._passed_over = len(begun)
            self.save()

    def save(self) -> None:
        """Let the next process go on behind what is acknowledged."""
        with self._lock:
            offsets = {file: kept.reach() for file, kept in self._kept.items()}
        self._cursor.save(offsets)

    def close(self) -> None:
        """Let all files go."""
        self.save()
        self._tail.close()

    def _opened(self, covered: Covered, *, from_start: bool) -> Tail:
        return Tail(self.path, self._counters, covered, from_start=from_start, wait=True, window=Window.of(_CHUNK_BYTES))

    def _look(self) -> None:
        self.save()
        if self._give_back and self._newest is not None:
            with self._lock:
                kept = self._kept.get(self._newest, Runs()).reach()
            self._counters.add("collector_given_back_bytes", disk.give_back(self.path, self._newest, kept, self._counters))
        size = disk.occupied_bytes(self.path)
        if size > self._warn_bytes:
            self._notes.warn("size", f"{self.path} has grown to {size >> 20} MiB")
            self._warn_bytes = 2 * size
