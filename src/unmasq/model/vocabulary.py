"""Texts and their numbers: a column of texts is a column of numbers into a vocabulary.

Number 0 is always the empty text. Clients choose most texts, so the owner of a vocabulary watches its size and compacts it.
"""

from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unmasq.model.native import NATIVE, Native

_PLACES = 4096


class _Known(Protocol):
    """Texts in the order in which they were met."""

    texts: list[str]

    def numbers(self, texts: list[str]) -> NDArray[np.uint32]:
        """The place of each, a new one behind the last for those that were never met."""
        ...


class _Plain:
    """Known by a dict."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def numbers(self, texts: list[str]) -> NDArray[np.uint32]:
        return np.fromiter(map(self._number, texts), "u4", len(texts))

    def _number(self, text: str) -> int:
        number = self._numbers.setdefault(text, len(self.texts))
        if number == len(self.texts):
            self.texts.append(text)
        return number


class _Slots:
    """Known by a table that the extension reads and writes; at most half of its places are in use."""

    def __init__(self, native: Native) -> None:
        self.texts: list[str] = []
        self._native = native
        self._slots = np.zeros((_PLACES, 2), "u8")

    def numbers(self, texts: list[str]) -> NDArray[np.uint32]:
        self._make_room(len(texts))
        found = np.empty(len(texts), "u4")
        self._native.intern(self._slots, self.texts, texts, found)
        return found

    def _make_room(self, more: int) -> None:
        places = len(self._slots)
        while places < 2 * (len(self.texts) + more):
            places *= 4
        if places > len(self._slots):
            narrow, self._slots = self._slots, np.zeros((places, 2), "u8")
            self._native.spread(narrow, self._slots)


class Vocabulary:
    """Grows as texts are met; numbers stay valid until `compact`."""

    def __init__(self, native: Native | None = NATIVE) -> None:
        self._native = native
        self._begin_with([""])

    def _begin_with(self, texts: list[str]) -> None:
        self._known: _Known = _Slots(self._native) if self._native else _Plain()
        self._size = 0
        self.numbers(texts)

    def __len__(self) -> int:
        return len(self._known.texts)

    def number(self, text: str) -> int:
        """The number of a text, a new one if it was never met."""
        return int(self.numbers([text])[0])

    @property
    def size(self) -> int:
        """Characters of all texts."""
        return self._size

    def numbers(self, texts: list[str]) -> NDArray[np.uint32]:
        """The number of each text."""
        before = len(self)
        found = self._known.numbers(texts)
        self._size += sum(map(len, self.since(before)))
        return found

    def text(self, number: int) -> str:
        """The text of a number."""
        return self._known.texts[number]

    def texts(self, numbers: Iterable[int]) -> list[str]:
        """The texts of many numbers."""
        return list(map(self._known.texts.__getitem__, numbers))

    def since(self, number: int) -> list[str]:
        """All texts from a number on."""
        return self._known.texts[number:]

    def compact(self, used: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Forget all texts but the used ones; returns an array that maps each old number to its new one."""
        keep = np.union1d(np.zeros(1, "u4"), used).astype("u4")
        mapping = np.zeros(len(self), "u4")
        mapping[keep] = np.arange(len(keep), dtype="u4")
        self._begin_with(self.texts(keep.tolist()))
        return mapping
