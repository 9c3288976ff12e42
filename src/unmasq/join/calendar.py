"""Who must be looked at, and when: nobody looks at all connections to find the few of which something is due."""

from collections import defaultdict

from unmasq.base.clock import MICROSECONDS


class Calendar:
    """Numbers with times, to the second: never told too early, and at most a second late."""

    def __init__(self) -> None:
        self._seconds: defaultdict[int, set[int]] = defaultdict(set)

    def note(self, number: int, at_us: int) -> None:
        """Tell of this number at that time; several times are told of each."""
        self._seconds[-(-at_us // MICROSECONDS)].add(number)

    def due(self, now_us: int) -> set[int]:
        """The numbers whose time has come; each time is told once."""
        over = [second for second in self._seconds if second <= now_us // MICROSECONDS]
        return set().union(*(self._seconds.pop(second) for second in over))
