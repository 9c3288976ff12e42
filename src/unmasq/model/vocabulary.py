"""Texts and their numbers: a column of texts is a column of numbers into a vocabulary.

Number 0 is always the empty text. Clients choose most texts, so the owner of a vocabulary watches its size and compacts it.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


class Vocabulary:
    """Grows as texts are met; numbers stay valid until `compact`."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self._texts: list[str] = [""]

    def __len__(self) -> int:
        return len(self._texts)

    def number(self, text: str) -> int:
        """The number of a text, a new one if it was never met."""
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self._texts)
            self._texts.append(text)
        return found

    def text(self, number: int) -> str:
        """The text of a number."""
        return self._texts[number]

    def texts(self, numbers: Iterable[int]) -> list[str]:
        """The texts of many numbers."""
        known = self._texts
        return [known[number] for number in numbers]

    def compact(self, used: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Forget all texts but the used ones; returns an array that maps each old number to its new one."""
        keep = np.union1d(np.zeros(1, "u4"), used).astype("u4")
        mapping = np.zeros(len(self._texts), "u4")
        mapping[keep] = np.arange(len(keep), dtype="u4")
        self._texts = self.texts(keep.tolist())
        self._numbers = {text: number for number, text in enumerate(self._texts)}
        return mapping
