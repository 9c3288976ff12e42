"""Notes beside the work, by level: the seven that the old ingress collector knew."""

from collections.abc import Callable
from enum import IntEnum


class Level(IntEnum):
    """How much it matters, most first."""

    PANIC = 0
    FATAL = 1
    ERROR = 2
    WARNING = 3
    INFO = 4
    DEBUG = 5
    TRACE = 6


class Notes:
    """Writes what matters as much as `most` or more; nothing else is even put into words by a careful caller."""

    def __init__(self, most: Level, write: Callable[[str], None]) -> None:
        self._most, self._write = most, write
        self._warned: set[str] = set()

    def __call__(self, level: Level, text: str) -> None:
        """Say a sentence, under its level."""
        if level <= self._most:
            self._write(f"{level.name.lower()}: {text}")

    def warn(self, topic: str, text: str) -> None:
        """Say a warning; the first one of its topic whatever the level, since nobody asks about what he does not know."""
        if topic not in self._warned or self._most >= Level.WARNING:
            self._write(f"warning: {text}")
        self._warned.add(topic)
