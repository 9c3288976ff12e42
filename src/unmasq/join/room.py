"""Where lines stay until their interval is over."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from unmasq.join.lines import JoinedLines


@dataclass(frozen=True)
class Stay:
    """Lines that came together, or what is left of them."""

    serial: int
    """Of these very lines, also under other text numbers."""
    lines: JoinedLines
    first_us: int
    """The start of their oldest interval: a look at all of them, while it is not over, would be in vain."""


class Room:
    """Batches of lines as they came, and how many lines they are in all."""

    def __init__(self) -> None:
        self._stays: list[Stay] = []
        self._count, self._met = 0, 0

    def __len__(self) -> int:
        return self._count

    @property
    def stays(self) -> list[Stay]:
        """What is here, batch by batch."""
        return list(self._stays)

    def add(self, lines: JoinedLines) -> None:
        """Let lines in."""
        if len(lines):
            self._met += 1
            self._stays.append(Stay(self._met, lines, int(lines.interval_us.min())))
            self._count += len(lines)

    def replace(self, batches: Iterator[JoinedLines]) -> None:
        """Put the next batches of lines in the places of those that `batches` gave."""
        self._stays = [replace(stay, lines=next(batches)) for stay in self._stays]

    def take_oldest(self, count: int) -> JoinedLines:
        """Let out the lines that came first: so many, and those that came together with the last of them."""
        some, left = 0, count
        while some < len(self._stays) and left > 0:
            left -= len(self._stays[some].lines)
            some += 1
        taken, self._stays = [stay.lines for stay in self._stays[:some]], self._stays[some:]
        self._count -= sum(map(len, taken))
        return JoinedLines.concat(taken)

    def take(self, before_us: int) -> JoinedLines:
        """Let out the lines of all intervals that began then or before."""
        stays, self._stays, self._count = self._stays, [], 0
        taken: list[JoinedLines] = []
        for stay in stays:
            if stay.first_us > before_us:
                self._stays.append(stay)
                self._count += len(stay.lines)
                continue
            ready = stay.lines.interval_us <= before_us
            taken.append(stay.lines if ready.all() else stay.lines.take(ready))
            self.add(stay.lines.take(~ready))
        return JoinedLines.concat(taken)
