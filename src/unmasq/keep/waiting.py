"""What waits to be written, in memory: parts of batches by day."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from unmasq.model.flowbatch import FlowBatch


class Part(NamedTuple):
    """What a batch has for a day, and how much that is."""

    batch: FlowBatch
    weight: int


Parts = Mapping[UUID, Part]


class Waiting:
    """The parts of each day under the ids of their batches. Whoever shares it holds a lock of their own."""

    def __init__(self) -> None:
        self._days: dict[int, dict[UUID, Part]] = {}

    def has(self, day: int, batch: UUID) -> bool:
        """Whether a batch's part of a day waits."""
        return batch in self._days.get(day, ())

    def put(self, day: int, part: FlowBatch) -> None:
        """Let a part wait."""
        self._days.setdefault(day, {})[part.id] = Part(part, part.weight())

    def of(self, is_wanted: Callable[[int], bool]) -> dict[int, Parts]:
        """What waits for the days that are wanted, newest first."""
        return {day: dict(self._days[day]) for day in sorted(self._days, reverse=True) if is_wanted(day)}

    def remove(self, day: int, written: Parts) -> None:
        """Forget the parts of a day that are on disk; what came meanwhile stays."""
        left = {each: part for each, part in self._days.pop(day).items() if each not in written}
        self._days |= {day: left} if left else {}

    def parts(self, is_wanted: Callable[[int], bool]) -> dict[Hashable, Part]:
        """What waits for the days that are wanted, in the order in which it came, by day and id."""
        return {(day, each): part for day, parts in self._days.items() if is_wanted(day) for each, part in parts.items()}

    def weight(self, days: Collection[int] | None = None) -> int:
        """How much waits, of all days or of some."""
        return sum(map(_weight, self._days.values() if days is None else (self._days.get(day, {}) for day in days)))


def _weight(parts: Parts) -> int:
    return sum(part.weight for part in parts.values())


def portions(parts: Parts, weight: int) -> Iterator[Parts]:
    """The parts in their order, as many together as have so much weight: what is written at once takes several times its room."""
    some, taken = dict[UUID, Part](), 0
    for each, part in parts.items():
        some[each] = part
        taken += part.weight
        if taken >= weight:
            yield some
            some, taken = {}, 0
    if some:
        yield some
