"""Keys of several columns, and one number for each: what a dict is for single keys, asked for whole batches."""

import secrets
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unmasq.model.columns import Array
from unmasq.model.native import NATIVE, Native

Keys = NDArray[np.uint64]
"""One row a key."""

_PLACES = 1024


class Index(Protocol):
    """Keys with positive numbers. A key that comes twice in one call is met twice, in order."""

    def find(self, keys: Keys) -> NDArray[np.int64]:
        """The number of each key, 0 where it has none."""
        ...

    def put(self, keys: Keys, numbers: Array) -> NDArray[np.int64]:
        """Give each key its number; returns the one that it had before, 0: none."""
        ...

    def drop(self, keys: Keys, numbers: Array) -> None:
        """Forget each key that still has this number."""
        ...


def index(width: int, native: Native | None = NATIVE) -> Index:
    """An empty index of keys of so many columns."""
    return Slots(width, native) if native else Plain()


def keyed(columns: Sequence[Array]) -> Keys:
    """One key a row of the columns."""
    keys = np.empty((len(columns[0]), len(columns)), "u8")
    for place, values in enumerate(columns):
        keys[:, place] = values
    return keys


def packed(keys: Keys) -> list[bytes]:
    """Each key as bytes, equal where all of its columns are."""
    found: list[bytes] = keys.view(f"V{8 * keys.shape[1]}").ravel().tolist()
    return found


class Plain:
    """The index as a dict."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def find(self, keys: Keys) -> NDArray[np.int64]:
        return np.array([self._numbers.get(key, 0) for key in packed(keys)], "i8")

    def put(self, keys: Keys, numbers: Array) -> NDArray[np.int64]:
        before = np.zeros(len(keys), "i8")
        for row, (key, number) in enumerate(zip(packed(keys), numbers.tolist(), strict=True)):
            before[row] = self._numbers.get(key, 0)
            self._numbers[key] = number
        return before

    def drop(self, keys: Keys, numbers: Array) -> None:
        for key, number in zip(packed(keys), numbers.tolist(), strict=True):
            if self._numbers.get(key) == number:
                del self._numbers[key]


class Slots:
    """The index as one array, which the extension reads and writes; at most three of four places are in use."""

    def __init__(self, width: int, native: Native) -> None:
        self._native, self._width, self._seed = native, width, secrets.randbits(64)
        self._slots = np.zeros((_PLACES, width + 1), "u8")
        self._used = 0

    def find(self, keys: Keys) -> NDArray[np.int64]:
        numbers = np.zeros(len(keys), "i8")
        self._native.index_find(self._slots, keys, numbers, self._width, self._seed)
        return numbers

    def put(self, keys: Keys, numbers: Array) -> NDArray[np.int64]:
        self._make_room(len(keys))
        before = numbers.astype("i8")
        self._native.index_put(self._slots, keys, before, self._width, self._seed)
        self._used += int(np.count_nonzero(before == 0))
        return before

    def drop(self, keys: Keys, numbers: Array) -> None:
        dropped = numbers.astype("i8")
        self._native.index_drop(self._slots, keys, dropped, self._width, self._seed)
        self._used -= int(dropped.sum())

    def _make_room(self, more: int) -> None:
        places = len(self._slots)
        while 3 * places < 4 * (self._used + more):
            places *= 2
        if places > len(self._slots):
            kept = self._slots[self._slots[:, -1] > 0]
            self._slots = np.zeros((places, self._width + 1), "u8")
            self._native.index_put(self._slots, kept[:, :-1].copy(), kept[:, -1].copy(), self._width, self._seed)
