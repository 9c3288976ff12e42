"""A column of raw values, as one of the two fast paths or the plain one found them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from unmasq.model.columns import Array
from unmasq.model.native import Native

_MOST_DIGITS = 18  # of a number that fits its column

_SEED = secrets.randbits(64)


class Values(Protocol):
    """Raw bytes, one value a row."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int) -> bytes: ...

    def take(self, rows: Array) -> "Values":
        """The values of some rows."""

    def dictionary(self) -> tuple[Sequence[bytes], Array]:
        """Values, and for each row the place of its own among them: what is done once a value is not done once a row."""

    def whole_numbers(self) -> Array:
        """The values as numbers, -1 where one is anything but up to 18 digits."""


@dataclass(frozen=True)
class Listed:
    """Values one by one."""

    raw: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, row: int) -> bytes:
        return self.raw[row]

    def take(self, rows: Array) -> "Listed":
        return Listed([self.raw[row] for row in rows.tolist()])

    def dictionary(self) -> tuple[Sequence[bytes], Array]:
        return self.raw, np.arange(len(self.raw))

    def whole_numbers(self) -> Array:
        raw = self.raw
        if all(raw) and b"".join(raw).isdigit() and max(map(len, raw), default=0) <= _MOST_DIGITS:
            return np.fromiter(map(int, raw), "i8", len(raw))
        return np.array([int(value) if value.isdigit() and len(value) <= _MOST_DIGITS else -1 for value in raw], "i8")


@dataclass
class Spans:
    """Values where they stand in the data: no object is made of a value before somebody asks for it."""

    native: Native = field(repr=False)
    data: bytes = field(repr=False)
    begin: Array
    end: Array
    _dictionary: tuple[Sequence[bytes], Array] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.begin)

    def __getitem__(self, row: int) -> bytes:
        return self.data[self.begin[row] : self.end[row]]

    def take(self, rows: Array) -> "Spans":
        return Spans(self.native, self.data, self.begin[rows], self.end[rows])

    def dictionary(self) -> tuple[Sequence[bytes], Array]:
        self._dictionary = self._dictionary or self._numbered()
        return self._dictionary

    def _numbered(self) -> tuple[Sequence[bytes], Array]:
        first, numbers = np.empty((2, len(self)), "i4")
        count = self.native.distinct(self.data, self.begin, self.end, first, numbers, _SEED)
        bounds = zip(self.begin[first[:count]].tolist(), self.end[first[:count]].tolist(), strict=True)
        return [self.data[begin:end] for begin, end in bounds], numbers

    def whole_numbers(self) -> Array:
        numbers = np.empty(len(self), "i8")
        self.native.numbers(self.data, self.begin, self.end, numbers)
        return numbers
