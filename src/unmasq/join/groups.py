"""Which lines of a room are pictured together: many lines once, and only the newest again for every question.

A picture costs microseconds a line, and a room may hold hundreds of thousands of them. But every question asks each picture by itself:
so some neighbours become one.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from unmasq.join.room import Stay

_MERGED = 2
"""Neighbours of the first size that become one group: their lines are pictured once more, for fewer pictures."""


@dataclass(frozen=True)
class Group:
    """Stays whose lines are pictured together under a serial, judged by one version of what judges."""

    serial: int
    version: Hashable
    stays: frozenset[int]
    is_merged: bool = False


class Groups:
    """Groups of at least so many lines. One lasts until the first of its lines leaves, or is to be judged anew."""

    def __init__(self, lines: int) -> None:
        self._lines, self._groups, self._made = lines, list[Group](), 0

    def next_serial(self) -> int:
        """A serial that nobody had."""
        self._made += 1
        return self._made

    def of(self, stays: Sequence[Stay], version: Hashable) -> tuple[list[tuple[Group, list[Stay]]], list[Stay]]:
        """The groups of what is here now, each with its stays, and the stays that are in none: fewer lines than make one."""
        here = {stay.serial: stay for stay in stays}
        self._groups = [group for group in self._groups if group.version == version and group.stays <= here.keys()]
        grouped = frozenset[int]().union(*(group.stays for group in self._groups))
        rest = [stay for stay in stays if stay.serial not in grouped]
        for some in self._cut(rest):
            self._groups.append(Group(self.next_serial(), version, frozenset(stay.serial for stay in some)))
            rest = rest[len(some) :]
            self._merge()
        return [(group, [here[serial] for serial in sorted(group.stays)]) for group in self._groups], rest

    def _merge(self) -> None:
        """Put the newest groups together once there are enough of the first size; older ones are larger already."""
        last = self._groups[-_MERGED:]
        if len(last) == _MERGED and not any(group.is_merged for group in last):
            stays = frozenset[int]().union(*(group.stays for group in last))
            self._groups[-_MERGED:] = [Group(self.next_serial(), last[0].version, stays, is_merged=True)]

    def _cut(self, stays: Sequence[Stay]) -> Iterator[list[Stay]]:
        """The next stays, and the next, as long as they have enough lines."""
        some, lines = list[Stay](), 0
        for stay in stays:
            some.append(stay)
            lines += len(stay.lines)
            if lines >= self._lines:
                yield some
                some, lines = [], 0
