"""What waits to be written, in memory: parts of batches by day."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from uuid import UUID

from unmasq.model.flowbatch import FlowBatch

Parts = Mapping[UUID, FlowBatch]


class Waiting:
    """The parts of each day under the ids of their batches. Whoever shares it holds a lock of their own."""

    def __init__(self) -> None:
        self._days: dict[int, dict[UUID, FlowBatch]] = {}

    def has(self, day: int, batch: UUID) -> bool:
        """Whether a batch's part of a day waits."""
        return batch in self._days.get(day, ())

    def put(self, day: int, part: FlowBatch) -> None:
        """Let a part wait."""
        self._days.setdefault(day, {})[part.id] = part

    def of(self, is_wanted: Callable[[int], bool]) -> dict[int, Parts]:
        """What waits for the days that are wanted, newest first."""
        return {day: dict(self._days[day]) for day in sorted(self._days, reverse=True) if is_wanted(day)}

    def remove(self, day: int, written: Parts) -> None:
        """Forget the parts of a day that are on disk; what came meanwhile stays."""
        left = {each: part for each, part in self._days.pop(day).items() if each not in written}
        self._days |= {day: left} if left else {}

    def parts(self, is_wanted: Callable[[int], bool]) -> dict[Hashable, FlowBatch]:
        """What waits for the days that are wanted, in the order in which it came, by day and id."""
        return {(day, each): part for day, parts in self._days.items() if is_wanted(day) for each, part in parts.items()}

    def rows(self, days: Collection[int] | None = None) -> int:
        """The flows and chains that wait, of all days or of some."""
        return sum(map(_rows, self._days.values() if days is None else (self._days.get(day, {}) for day in days)))


def _rows(parts: Parts) -> int:
    return sum(part.rows for part in parts.values())


def portions(parts: Parts, rows: int) -> Iterator[Parts]:
    """The parts in their order, as many together as have so many rows: what is written at once takes several times its room."""
    some: dict[UUID, FlowBatch] = {}
    for each, part in parts.items():
        some[each] = part
        if _rows(some) >= rows:
            yield some
            some = {}
    if some:
        yield some
