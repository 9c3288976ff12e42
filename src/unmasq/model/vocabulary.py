"""Texts and their numbers: a column of texts is a column of numbers into a vocabulary.

Number 0 is always the empty text. Clients choose most texts, so the owner of a vocabulary watches its size and compacts it.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from unmasq.model.native import NATIVE, Native


class Vocabulary:
    """Grows as texts are met; numbers stay valid until `compact`."""

    def __init__(self, native: Native | None = NATIVE) -> None:
        self._native = native
        self._begin_with([""])

    def _begin_with(self, texts: list[str]) -> None:
        self._texts = texts
        self._numbers = {text: number for number, text in enumerate(texts)}

    def __len__(self) -> int:
        return len(self._texts)

    def number(self, text: str) -> int:
        """The number of a text, a new one if it was never met."""
        number = self._numbers.setdefault(text, len(self._texts))
        if number == len(self._texts):
            self._texts.append(text)
        return number

    def numbers(self, texts: list[str]) -> NDArray[np.uint32]:
        """The number of each text."""
        if self._native is None:
            return np.fromiter(map(self.number, texts), "u4", len(texts))
        found = np.empty(len(texts), "u4")
        self._native.intern(self._numbers, self._texts, texts, found)
        return found

    def text(self, number: int) -> str:
        """The text of a number."""
        return self._texts[number]

    def texts(self, numbers: Iterable[int]) -> list[str]:
        """The texts of many numbers."""
        return list(map(self._texts.__getitem__, numbers))

    def since(self, number: int) -> list[str]:
        """All texts from a number on."""
        return self._texts[number:]

    def compact(self, used: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Forget all texts but the used ones; returns an array that maps each old number to its new one."""
        keep = np.union1d(np.zeros(1, "u4"), used).astype("u4")
        mapping = np.zeros(len(self), "u4")
        mapping[keep] = np.arange(len(keep), dtype="u4")
        self._begin_with(self.texts(keep.tolist()))
        return mapping
