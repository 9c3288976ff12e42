"""What a question sees of what is not on disk yet: open flows, and closed ones that wait to be written."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial

from unmasq.base.clock import MICROSECONDS
from unmasq.keep.day.memory import LARGE_ROWS, Making
from unmasq.keep.day.split import together
from unmasq.keep.waiting import Part
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.openpart import OpenPart

FRESH_US = MICROSECONDS // 4
"""How old the picture of open flows is before the next one is made, if it is quickly made. A question may get one twice as old."""

_REST = 9  # at most a tenth of the time is spent on pictures


class Picture:
    """The open flows at one moment. Whoever shares it holds a lock of their own."""

    def __init__(self, number: int, changes: int, taken_us: int, parts: Sequence[OpenPart]) -> None:
        """`changes` tells whether flows were closed since."""
        self.number, self.changes, self.taken_us, self._parts = number, changes, taken_us, parts
        self._fresh_us, self._is_made = FRESH_US, False

    def is_fresh(self, changes: int, now_us: int) -> bool:
        """Whether it need not be made again."""
        return changes == self.changes and self.taken_us <= now_us < self.taken_us + self._fresh_us

    def is_good(self, changes: int, now_us: int) -> bool:
        """Whether a question may have it."""
        return changes == self.changes and self.taken_us <= now_us < self.taken_us + 2 * self._fresh_us

    def made(self, now_us: int) -> None:
        """Its tables are there by now: only the serials are still needed. The longer that took, the longer it is fresh."""
        if not self._is_made:
            self._is_made, self._fresh_us = True, max(FRESH_US, _REST * (now_us - self.taken_us))
            self._parts = [part._replace(batch=None) for part in self._parts]

    def makings(self) -> dict[Hashable, Making]:
        """What makes each part, by its serial."""
        return {part.serial: partial(_batches, part.batch) for part in self._parts}


def _batches(batch: FlowBatch | None) -> list[FlowBatch]:
    return [batch] if batch else []


def waiting_makings(changes: int, parts: Mapping[Hashable, Part]) -> dict[Hashable, Making]:
    """What makes tables of parts that wait: each large one by itself under its key, the others together until something changes."""
    large = {key: part.batch for key, part in parts.items() if part.weight >= LARGE_ROWS}
    small = [part.batch for key, part in parts.items() if key not in large]
    made: dict[Hashable, Making] = {key: partial(_batches, part) for key, part in large.items()}
    return made | ({changes: partial(together, small)} if small else {})
