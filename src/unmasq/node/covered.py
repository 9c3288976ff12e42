"""Which bytes of which files a batch contains: those of its lines, all of them and no other."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from unmasq.base.clock import DAY_US
from unmasq.join.lines import JoinedLines
from unmasq.join.window import Closed
from unmasq.model.columns import Array
from unmasq.model.flowbatch import FlowColumns, LineColumns
from unmasq.model.ingress import FileIdentity, Frames

MANY_FILES = 1024
"""Files that are known before those are forgotten of which no line is held."""


class Files:
    """The files that held lines stand in, numbered as they are met; and what a line in parts covers beside its own run."""

    def __init__(self) -> None:
        self._numbers: dict[FileIdentity, int] = {}
        self._files: dict[int, FileIdentity] = {}
        self._met, self._most = 0, MANY_FILES
        self._parts: dict[tuple[int, int], list[tuple[int, int, int]]] = {}  # (file, start) of a line -> (file, start, end)

    def __len__(self) -> int:
        return len(self._files)

    def number(self, file: FileIdentity) -> int:
        """The number of a file, a new one if it is not known."""
        number = self._numbers.get(file)
        if number is None:
            number, self._met = self._met, self._met + 1
            self._numbers[file], self._files[number] = number, file
        return number

    def named(self, lines: LineColumns) -> tuple[list[FileIdentity], LineColumns]:
        """The files that some lines stand in, and the lines with their rows among those instead of numbers."""
        numbers, rows = np.unique(lines.file, return_inverse=True)
        return [self._files[number] for number in numbers.tolist()], replace(lines, file=rows.astype("u4"))

    def note(self, file: int, frames: Frames) -> None:
        """Remember the further runs of a chunk's lines."""
        for row, runs in frames.parts.items():
            self._parts[file, int(frames.start[row])] = [(self.number(run.file), run.start, run.end) for run in runs]

    def parts_of(self, lines: JoinedLines) -> Iterator[tuple[int, tuple[int, int, int]]]:
        """The further runs of some lines, each with the line's row."""
        if not self._parts:
            return
        noted = np.array([start for _, start in self._parts], "i8")
        for row in np.flatnonzero(np.isin(lines.start, noted)).tolist():
            for run in self._parts.get((int(lines.file[row]), int(lines.start[row])), ()):
                yield row, run

    def forget(self, lines: JoinedLines) -> None:
        """Let go of what is known of lines that were handed on for good."""
        for row in {row for row, _ in self.parts_of(lines)}:
            del self._parts[int(lines.file[row]), int(lines.start[row])]

    def tidy(self, held: Iterable[JoinedLines]) -> None:
        """Forget the files in which none of the held lines stands, once there are many; one that goes on gets a new number."""
        if len(self._files) < self._most:
            return
        used = {number for lines in held for number in np.unique(lines.file).tolist()}
        used |= {file for file, _ in self._parts} | {file for runs in self._parts.values() for file, _, _ in runs}
        self._files = {number: file for number, file in self._files.items() if number in used}
        self._numbers = {file: number for number, file in self._files.items()}
        self._most = max(MANY_FILES, 2 * len(self._files))


def covered(closed: Closed, line_flow: Array, flows: FlowColumns, files: Files) -> LineColumns:
    """The byte runs of the lines, those of a flow with the day of the flow; neighbours are one run."""
    of_flows = flows.interval_start_us[line_flow] // DAY_US
    return _runs(
        LineColumns.concat([
            *_of_lines(closed.lines, of_flows, files),
            *_of_lines(closed.dropped, closed.dropped.time_us // DAY_US, files),
        ])
    )  # fmt: skip


def _of_lines(lines: JoinedLines, days: Array, files: Files) -> Iterator[LineColumns]:
    yield LineColumns.filled(len(lines), file=lines.file, start=lines.start, end=lines.end, day=days)
    for row, (file, start, end) in files.parts_of(lines):
        yield LineColumns.filled(1, file=file, start=start, end=end, day=int(days[row]))


def _runs(lines: LineColumns) -> LineColumns:
    if not len(lines):
        return lines
    lines = lines.take(np.lexsort((lines.start, lines.day, lines.file)))
    new = np.ones(len(lines), "?")
    new[1:] = (lines.file[1:] != lines.file[:-1]) | (lines.day[1:] != lines.day[:-1]) | (lines.start[1:] != lines.end[:-1])
    begin = np.flatnonzero(new)
    ends = np.append(begin[1:], len(lines)) - 1
    return replace(lines.take(begin), end=lines.end[ends])
