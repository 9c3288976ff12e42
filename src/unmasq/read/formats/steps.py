"""A layout as steps: what a line holds, one piece after the other, so that a value ends where only one thing can follow.

The same steps run as a regular expression and as a program of the extension (`native/lines.c`). No step takes a backslash
or a newline, and none gives back what it took.
"""

import re
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_NEVER = frozenset(b"\\\n")
_MOST = (1 << 32) - 1
_NUMBER = rb"((?:0|[1-9][0-9]{0,9}+)(?:\.[0-9]{1,4}+)?+)"  # no more digits than a float keeps


class Step(NamedTuple):
    """A literal, a run of bytes that are `members`, or (where there is neither) a number as JSON writes it.

    With a key its value is captured.
    """

    key: str | None = None
    literal: bytes = b""
    members: frozenset[int] = frozenset()
    least: int = 0
    most: int = _MOST

    @property
    def pattern(self) -> bytes:
        """The step as a regular expression."""
        if self.literal:
            return re.escape(self.literal)
        if not self.members:
            return _NUMBER
        most = b"" if self.most == _MOST else b"%d" % self.most
        run = _one_of(self.members) + b"{%d,%s}+" % (self.least, most)
        return b"(" + run + b")" if self.key else run

    @property
    def program(self) -> bytes:
        """The step as the extension reads it."""
        if self.literal:
            return struct.pack("<cH", b"L", len(self.literal)) + self.literal
        if not self.members:
            return b"N"
        return struct.pack("<cBII", b"R", self.key is not None, self.least, self.most) + bytes(map(self.members.__contains__, range(256)))


def literal(text: bytes) -> Step:
    """These very bytes."""
    return Step(literal=text)


def only(key: str | None, members: bytes, least: int = 1, most: int = _MOST) -> Step:
    """Bytes that are all among `members`."""
    return Step(key, members=frozenset(members) - _NEVER, least=least, most=most)


def all_but(key: str | None, others: bytes, least: int = 0, most: int = _MOST) -> Step:
    """Bytes that are none of `others`."""
    return Step(key, members=frozenset(range(256)) - frozenset(others) - _NEVER, least=least, most=most)


def number(key: str) -> Step:
    """A number without quotes."""
    return Step(key)


def merged(steps: Iterable[Step]) -> list[Step]:
    """The steps, with literals that follow one another as one, and none that is empty."""
    found: list[Step] = []
    for step in steps:
        is_literal = not (step.key or step.members)
        if is_literal and found and found[-1].literal:
            found[-1] = literal(found[-1].literal + step.literal)
        elif not is_literal or step.literal:
            found.append(step)
    return found


def keys_of(steps: Iterable[Step]) -> tuple[str, ...]:
    """The keys of the captured values, in order."""
    return tuple(step.key for step in steps if step.key)


def pattern_of(steps: Iterable[Step]) -> re.Pattern[bytes]:
    """For `findall`: a row of groups a line. The first is the whole line, empty where it is not of the layout."""
    return re.compile(rb"^(" + b"".join(step.pattern for step in steps) + rb")$|^.*$", re.MULTILINE)


def program_of(steps: Iterable[Step]) -> bytes:
    """For `Native.match`."""
    return b"".join(step.program for step in steps)


def _one_of(members: frozenset[int]) -> bytes:
    others = frozenset(range(256)) - members
    listed, opening = (members, b"[") if len(members) <= len(others) else (others, b"[^")
    return opening + b"".join(b"\\x%02x" % byte for byte in sorted(listed)) + b"]"


def taken_by(pattern: re.Pattern[bytes], line: bytes) -> bool:
    """Whether one line is of a layout."""
    rows: Sequence[Sequence[bytes]] = pattern.findall(line)
    return bool(rows) and bool(rows[0][0])
