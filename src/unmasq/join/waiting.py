"""Lines that wait for their connections, batch by batch."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from unmasq.join.alike import Key
from unmasq.join.lines import JoinedLines


class Waiting(NamedTuple):
    """Lines of one batch that wait, and the keys of the connections that they wait for."""

    lines: JoinedLines
    keys: frozenset[Key]
    is_partial: bool = False
    """Whether they do not name their own end, so that the keys are of sources."""
    is_new: bool = False
    """Whether their connections were not looked for yet."""

    @property
    def since_us(self) -> int:
        """When they came."""
        return int(self.lines.arrived_us[0])


class WaitingLines:
    """Batches of lines that wait, and how many lines they are in all."""

    def __init__(self) -> None:
        self._rooms: list[Waiting] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def batches(self) -> list[JoinedLines]:
        """What waits, batch by batch."""
        return [room.lines for room in self._rooms]

    def add(self, room: Waiting) -> None:
        """Let a batch wait."""
        self._rooms.append(room)
        self._count += len(room.lines)

    def replace(self, batches: Iterator[JoinedLines]) -> None:
        """Put the next batches of lines in the places of those that `batches` gave."""
        self._rooms = [room._replace(lines=next(batches)) for room in self._rooms]

    def take(self, wanted: Callable[[Waiting], bool]) -> list[Waiting]:
        """Let out the batches that are wanted."""
        taken: list[Waiting] = []
        rooms, self._rooms = self._rooms, []
        for room in rooms:
            (taken if wanted(room) else self._rooms).append(room)
        self._count -= sum(len(room.lines) for room in taken)
        return taken

    def take_oldest(self) -> Waiting:
        """Let out the batch that has waited for the longest time."""
        oldest = self._rooms.pop(min(range(len(self._rooms)), key=lambda place: self._rooms[place].since_us))
        self._count -= len(oldest.lines)
        return oldest
