"""Counters of what was read, joined, stored, rejected and dropped.

Every drop in the program has a counter here; `unmasq doctor`, the health page and `/metrics` show them all. A counter is
(name, reason): the name says what was counted, the reason why it was dropped ("" where there is nothing to explain).
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence


class Counters:
    """A bag of named counts, for any number of threads; readers take a snapshot."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, name: str, amount: int = 1, reason: str = "") -> None:
        """Count `amount` more of `name`; nothing is recorded for zero."""
        if amount:
            with self._lock:
                self._counts[name, reason] += int(amount)

    def of(self, name: str, reason: str | None = None) -> int:
        """The count of a name, over all reasons or for one."""
        if reason is not None:
            return self._counts[name, reason]
        return sum(count for key, _, count in self.rows() if key == name)

    def by_reason(self, name: str) -> dict[str, int]:
        """The counts of a name, by reason."""
        return {reason: count for key, reason, count in self.rows() if key == name}

    def told(self) -> dict[str, int]:
        """All counts, as `name` or `name{reason}`."""
        return {f"{name}{{{reason}}}" if reason else name: count for name, reason, count in self.rows()}

    def rows(self) -> Iterator[tuple[str, str, int]]:
        """(name, reason, count), sorted: the same order for every reader."""
        with self._lock:
            counts = sorted(self._counts.items())
        for (name, reason), count in counts:
            yield name, reason, count


def summed(counters: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    """Of counts as `Counters.told` gives them those of these names, each over all its reasons, 0 for one that is not there."""
    found = dict.fromkeys(names, 0)
    for key, count in counters.items():
        if (name := name_of(key)) in found:
            found[name] += count
    return found


def name_of(told: str) -> str:
    """The name of a count that is called `name` or `name{reason}`."""
    return told.partition("{")[0]
