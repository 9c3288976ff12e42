"""The texts of a database, each stored once under a number, long ones in a table of their own.

DuckDB compresses 2,048 neighbours at once, and decompresses them all to read one: a status beside headers of 8 KB takes 13 ms.
"""

from itertools import compress

import numpy as np
from numpy.typing import NDArray

from unmasq.base.safe import utf8
from unmasq.keep.day.tables import Tables
from unmasq.model.vocabulary import Vocabulary

LONG_CHARACTERS = 512
"""From which on a text is a long one. Most header values, paths and user agents are not."""

FIRST_LONG = 1 << 31
"""The first number of a long text: whoever looks for short ones alone passes over the table of the others as a whole."""

KNOWN_CHARACTERS = 8_000_000
"""Of one table's texts that are remembered so that a repeated one is stored once; then all are forgotten, which only costs room on disk."""


def every_text(database: str) -> str:
    """Both tables as one, in SQL."""
    return f"(SELECT * FROM {database}.texts UNION ALL SELECT * FROM {database}.long_texts)"


class Texts:
    """Gives texts their numbers, and stores those that are new."""

    def __init__(self, tables: Tables) -> None:
        self._short, self._long = _Table(tables, "texts", 0), _Table(tables, "long_texts", FIRST_LONG)

    def numbers(self, texts: list[str]) -> NDArray[np.int64]:
        """The number of each."""
        is_long = np.fromiter(map(len, texts), "i8", len(texts)) >= LONG_CHARACTERS
        if not is_long.any():
            return self._short.numbers(texts)
        found = np.empty(len(texts), "i8")
        for table, mask in (self._short, ~is_long), (self._long, is_long):
            found[mask] = table.numbers(list(compress(texts, mask.tolist())))
        return found


class _Table:
    """One table of them, with numbers from the first one on."""

    def __init__(self, tables: Tables, name: str, first: int) -> None:
        self._tables, self._name = tables, name
        self._begin(max(first, tables.following("text", name)))

    def _begin(self, first: int) -> None:
        """Know no text, and number those that come from the first number on."""
        self._first, self._known = first, Vocabulary()
        self._stored = self._characters = 0

    def numbers(self, texts: list[str]) -> NDArray[np.int64]:
        if self._characters > KNOWN_CHARACTERS:
            self._begin(self._first + self._stored)
        numbers = self._known.numbers(texts)
        fresh = utf8(self._known.since(self._stored))
        places = np.arange(self._stored, self._stored + len(fresh))
        self._tables.insert(self._name, {"text": self._first + places, "value": np.array(fresh, dtype=object)})
        self._stored += len(fresh)
        self._characters += sum(map(len, fresh))
        return self._first + numbers.astype("i8")
