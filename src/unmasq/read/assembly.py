"""Lines while they are put together out of frames: those of a chunk, and one of which only parts came so far."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from unmasq.model.columns import Array
from unmasq.model.ingress import Chunk, Frames, Reject, Run
from unmasq.model.native import Native
from unmasq.read.frames import STDERR, Framed


class Lines:
    """The lines of a chunk, each by itself at first; a part is a line like any other until it is held back.

    A text stands in the chunk's data, or, once its parts are together, as if it followed the data.
    """

    def __init__(self, chunk: Chunk, found: Framed) -> None:
        self.bare = replace(chunk, data=b"", skipped=0)
        self.start, self.end, self.time_us = found.start + chunk.start, found.end + chunk.start, found.time_us
        self.is_error = found.is_framed & (found.stream == STDERR)
        self._data, self._size = [chunk.data], len(chunk.data)
        self._begin, self._behind = found.text.astype("i4"), found.end.astype("i4")
        self._reject = np.where(found.is_framed, Reject.NONE, Reject.NO_FRAME).astype("u1")
        self._is_whole = np.ones(len(found.start), "?")
        self._parts: dict[int, Sequence[Run]] = {}
        if chunk.skipped:
            self.end[-1] += chunk.skipped
            self._reject[-1] = Reject.TOO_LONG

    def hold(self, row: int) -> bytes:
        """Take a line out; returns its text without a newline."""
        self._is_whole[row] = False
        return self._data[0][self._begin[row] : self._behind[row]].removesuffix(b"\n")

    def put(self, row: int, line: "Held", reject: Reject) -> None:
        """Let a line stand where its last part stood."""
        *parts, last = line.runs
        text = line.text()
        self._begin[row], self._behind[row] = self._size, self._size + len(text)
        self._data.append(text)
        self._size += len(text)
        self._is_whole[row], self._reject[row], self.start[row] = True, reject, last.start
        if parts:
            self._parts[row] = parts

    def whole(self, native: Native | None) -> Iterator[Chunk]:
        """The lines that are whole, as one chunk, if there are any."""
        rows = self._is_whole
        if rows.any():
            place = np.cumsum(rows) - 1
            parts = {int(place[row]): runs for row, runs in self._parts.items()}
            frames = Frames(self.start[rows], self.end[rows], self.time_us[rows], self._reject[rows], self.is_error[rows], parts)
            data = self._data[0] if len(self._data) == 1 else b"".join(self._data)
            yield replace(self.bare, data=_cut(native, data, self._begin[rows], self._behind[rows]), frames=frames)


@dataclass
class Held:
    """A line that has begun: its text so far, its size, and the runs of bytes that it covers."""

    chunk: Chunk
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0
    time_us: int = 0
    is_error: bool = False
    runs: list[Run] = field(default_factory=list)

    def add(self, lines: Lines, row: int, longest: int) -> None:
        """One part more; of a line of more than `longest` bytes only the size grows."""
        piece = lines.hold(row)
        if self.size < longest:
            self.pieces.append(piece[: longest - self.size])
        self.size += len(piece)
        self.chunk, self.time_us, self.is_error = lines.bare, int(lines.time_us[row]), bool(lines.is_error[row])
        run = Run(self.chunk.file, int(lines.start[row]), int(lines.end[row]))
        if self.runs and (self.runs[-1].file, self.runs[-1].end) == (run.file, run.start):
            run = run._replace(start=self.runs.pop().start)
        self.runs.append(run)

    def text(self) -> bytes:
        """The line as it will be read."""
        return b"".join(self.pieces) + b"\n"

    def alone(self, reject: Reject) -> Chunk:
        """The line as a chunk of its own."""
        *parts, last = self.runs
        columns = (
            np.array([last.start]),
            np.array([last.end]),
            np.array([self.time_us]),
            np.array([reject], "u1"),
            np.array([self.is_error]),
        )
        return replace(self.chunk, start=last.start, data=self.text(), frames=Frames(*columns, {0: parts} if parts else {}))


def _cut(native: Native | None, data: bytes, begin: Array, end: Array) -> bytes:
    """Some stretches of the data, one behind the other."""
    if native is not None:
        return native.cut(data, begin, end)
    view = memoryview(data)
    return b"".join([view[at:behind] for at, behind in zip(begin.tolist(), end.tolist(), strict=True)])
