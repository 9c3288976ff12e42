"""Where lines end. Only a newline ends one: a carriage return, U+2028 or NUL is a byte like any other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from unmasq.model.columns import Array
from unmasq.model.native import NATIVE, Native

CHUNK_BYTES = 4 << 20
LONGEST_LINE = 1 << 20


def line_bounds(data: bytes, native: Native | None = NATIVE) -> tuple[Array, Array]:
    """Offsets of each line's first byte and behind its newline; a last line without newline counts."""
    if native is not None:
        bounds = np.frombuffer(native.bounds(data), "i8").copy()  # what bytes hold cannot be changed
        return bounds[:-1], bounds[1:]
    ends = np.flatnonzero(np.frombuffer(data, "u1") == ord("\n")) + 1
    if len(data) and not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    return np.concatenate([np.zeros(1, "i8"), ends[:-1]])[: len(ends)], ends


def count_in(starts: Array, places: Array | Sequence[int]) -> Array:
    """How many of the places, which are in order, lie in each line."""
    return np.bincount(np.searchsorted(starts, np.asarray(places, "i8"), "right") - 1, minlength=len(starts))


def hold_twice(data: bytes, byte: bytes, starts: Array, native: Native | None = NATIVE) -> Array:
    """Whether each line holds a byte more than once."""
    if native is None:
        return count_in(starts, np.flatnonzero(np.frombuffer(data, "u1") == ord(byte))) > 1
    found = np.zeros(len(starts), "?")
    native.twice(data, ord(byte), starts, found)
    return found


@dataclass(frozen=True, slots=True)
class Window:
    """The one buffer that bytes are read into, and how many bytes a line may have before its newline."""

    buffer: bytearray
    longest: int

    @classmethod
    def of(cls, chunk_bytes: int = CHUNK_BYTES, longest_line: int = LONGEST_LINE) -> Self:
        """A window that can tell an over-long line from a whole one."""
        return cls(bytearray(max(chunk_bytes, longest_line + 1)), longest_line)

    def whole(self, size: int) -> int:
        """How many of the first `size` bytes are whole lines, up to the first that is longer than allowed."""
        at = 0
        while cut := self.buffer.rfind(b"\n", at, min(size, at + self.longest + 1)) + 1:
            at = cut
        return at

    def last_newline(self, size: int) -> int:
        """The offset behind the last newline of the first `size` bytes, 0 if there is none."""
        return self.buffer.rfind(b"\n", 0, size) + 1

    def taken(self, size: int) -> bytes:
        """The first `size` bytes, to keep."""
        with memoryview(self.buffer) as view:
            return bytes(view[:size])
