"""Texts and their numbers: a column of texts is a column of numbers into a vocabulary.

Number 0 is always the empty text. Clients choose most texts, so the owner of a vocabulary watches its size and compacts it.
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import count, islice

import numpy as np
from numpy.typing import NDArray


class Vocabulary:
    """Grows as texts are met; numbers stay valid until `compact`."""

    def __init__(self) -> None:
        self._numbers = _numbered([""])
        self._texts: list[str] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, text: str) -> int:
        """The number of a text, a new one if it was never met."""
        return self._numbers[text]

    def numbers(self, texts: Iterable[str], length: int) -> NDArray[np.uint32]:
        """The numbers of `length` texts."""
        return np.fromiter(map(self._numbers.__getitem__, texts), "u4", length)

    def text(self, number: int) -> str:
        """The text of a number."""
        return self._known()[number]

    def texts(self, numbers: Iterable[int]) -> list[str]:
        """The texts of many numbers."""
        known = self._known()
        return [known[number] for number in numbers]

    def compact(self, used: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Forget all texts but the used ones; returns an array that maps each old number to its new one."""
        keep = np.union1d(np.zeros(1, "u4"), used).astype("u4")
        mapping = np.zeros(len(self), "u4")
        mapping[keep] = np.arange(len(keep), dtype="u4")
        self._numbers = _numbered(self.texts(keep.tolist()))
        self._texts = []
        return mapping

    def _known(self) -> list[str]:
        new = len(self._numbers) - len(self._texts)
        self._texts += reversed(list(islice(reversed(self._numbers), new)))
        return self._texts


def _numbered(texts: Iterable[str]) -> defaultdict[str, int]:
    """Texts by number in the order in which they are met: a look-up of a new one numbers it, without a line of Python."""
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    for text in texts:
        numbers[text]
    return numbers
