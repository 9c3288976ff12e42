"""Lines out of a container's log: frames taken off, and lines that the runtime cut into parts put together again.

A part is held back until its line ends, over chunks, rotations and whatever the other stream writes in between. What is held
back is no line yet, so nobody acknowledges its bytes, and a restart reads them again: exactly those, and the rest of the line.
Counters: `tail_skipped_bytes` (`too_long`), `cri_unended` (lines whose last part never came).
"""

from collections.abc import Iterator

import numpy as np

from unmasq.base.telemetry import Counters
from unmasq.model.columns import Array
from unmasq.model.ingress import Chunk, Reject
from unmasq.model.native import NATIVE, Native
from unmasq.read.assembly import Held, Lines
from unmasq.read.frames import STDERR, STDOUT, Framed, framed, looks_framed
from unmasq.read.lines import LONGEST_LINE

MOST_RUNS = 1000
"""Runs of bytes, with others in between, that one line may be made of; a line of more is cut there."""


class Unframer:
    """Chunks of one log in, chunks of the lines in their frames out. Chunks of a log that is not framed stay as they are.

    Whether it is framed tell its first lines, unless `is_framed` does. A line of more than `longest` bytes is cut and rejected
    as too long.
    """

    def __init__(
        self, counters: Counters, *, is_framed: bool | None = None, longest: int = LONGEST_LINE, native: Native | None = NATIVE
    ) -> None:
        self._counters, self._is_framed, self._longest, self._native = counters, is_framed, longest, native
        self._held: dict[int, Held] = {}

    @property
    def is_holding(self) -> bool:
        """Whether a line has begun whose end did not come yet."""
        return bool(self._held)

    def take(self, chunk: Chunk) -> Iterator[Chunk]:
        """The lines that end in the chunk: one chunk, or none."""
        if self._is_framed is None:
            self._is_framed = looks_framed(chunk.data)
        if not self._is_framed:
            yield chunk
            return
        found = framed(chunk.data)
        lines = Lines(chunk, found)
        for row in np.flatnonzero(self._apart(found)).tolist():
            self._part(lines, row, int(found.stream[row]), is_last=not found.is_part[row])
        yield from lines.whole(self._native)

    def finish(self) -> Iterator[Chunk]:
        """The lines that have begun, as if they had ended: their rest never came."""
        held, self._held = self._held, {}
        for line in held.values():
            self._counters.add("cri_unended")
            yield line.alone(self._ended(line))

    def _apart(self, found: Framed) -> Array:
        """Which lines are a part of one, or the end of one that came in parts."""
        apart = found.is_part.copy()
        if self._held or apart.any():
            for stream in (STDOUT, STDERR):
                rows = np.flatnonzero(found.is_framed & (found.stream == stream))
                apart[rows] |= np.append(stream in self._held, found.is_part[rows])[:-1]
        return apart

    def _part(self, lines: Lines, row: int, stream: int, *, is_last: bool) -> None:
        """Hold a part back, or let the whole line stand where its end does."""
        line = self._held.setdefault(stream, Held(lines.bare))
        line.add(lines, row, self._longest)
        if is_last or len(line.runs) == MOST_RUNS:
            del self._held[stream]
            lines.put(row, line, self._ended(line) if is_last else Reject.TOO_LONG)

    def _ended(self, line: Held) -> Reject:
        """Whether a line was cut; what was cut off is counted."""
        self._counters.add("tail_skipped_bytes", max(0, line.size - self._longest), "too_long")
        return Reject.TOO_LONG if line.size > self._longest else Reject.NONE
