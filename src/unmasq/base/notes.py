"""Notes beside the work: by level, the seven that the old ingress collector knew; and what lasts, said once."""

from collections.abc import Callable, Iterable
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
        self._standing: dict[str, str] = {}

    def __call__(self, level: Level, text: str) -> None:
        """Say a sentence, under its level."""
        if level <= self._most:
            self._write(f"{level.name.lower()}: {text}")

    def warn(self, topic: str, text: str) -> None:
        """Say a warning; the first one of its topic whatever the level, since nobody asks about what he does not know."""
        if topic not in self._warned or self._most >= Level.WARNING:
            self._write(f"warning: {text}")
        self._warned.add(topic)

    def now(self, topic: str, text: str) -> None:
        """What is the matter with a topic, whatever the level: said once, until it is another or was `over`."""
        if self._standing.get(topic) != text:
            self._write(f"warning: {text}")
        self._standing[topic] = text

    def over(self, topic: str) -> None:
        """Nothing is the matter with it any more."""
        self._standing.pop(topic, None)


class Standing:
    """Sentences that are looked up again and again: each is said when it was so twice in a row, and not again while it lasts.

    Once may be halfway: a file that is being written.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._before: frozenset[str] = frozenset()
        self._said: frozenset[str] = frozenset()

    def are(self, texts: Iterable[str]) -> None:
        """What is so now."""
        now = frozenset(texts)
        for text in sorted(now & self._before - self._said):
            self._write(text)
        self._said, self._before = now & (self._before | self._said), now


class Once:
    """Says each sentence once and never again."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._said: set[str] = set()

    def __call__(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._write(text)
