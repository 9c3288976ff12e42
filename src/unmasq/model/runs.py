"""Runs of bytes [start, end) of one file: what was taken, what is kept."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Run = tuple[int, int]


class Runs:
    """Disjoint runs in order; those that touch are one. An empty run is nothing."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in runs:
            self.add(start, end)

    def __iter__(self) -> Iterator[Run]:
        return zip(self._starts, self._ends, strict=True)

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, start: int, end: int) -> None:
        """Add [start, end), which may overlap what is there."""
        if start >= end:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def overlap(self, start: int, end: int) -> int:
        """How many bytes of [start, end) are here."""
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        pairs = zip(self._starts[first:last], self._ends[first:last], strict=True)
        return sum(max(0, min(end, behind) - max(start, begin)) for begin, behind in pairs)

    def reach(self, start: int = 0) -> int:
        """The end of the run that holds `start`; `start` itself if none does."""
        at = bisect_right(self._starts, start) - 1
        return max(start, self._ends[at]) if at >= 0 else start
