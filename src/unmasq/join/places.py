"""Rows that are found by some of their columns and stay at their places, so that what changes is changed there."""

import secrets
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from unmasq.join.connections import tuples
from unmasq.model.columns import Columns
from unmasq.model.groups import mixed
from unmasq.model.index import Keys, index

C = TypeVar("C", bound=Columns)

_FEWEST = 1024


class Places(Generic[C]):
    """At most `most` rows with distinct keys.

    They are looked up by one hash of the key, which takes a fraction of the room, and then compared with the key itself.
    Should two keys ever have one hash, which nobody can bring about, the earlier is found no more.
    """

    def __init__(self, kind: type[C], key: Sequence[str], most: int) -> None:
        self._kind, self._key, self._most = kind, key, most
        self._index, self._seed = index(1), secrets.randbits(64)
        self.rows: C = kind.empty()
        """All places, those that are not used too. Its columns may be changed, but for the key; adding may replace it."""
        self.used = np.zeros(0, "?")
        """Whether there is a row at each place."""

    def __len__(self) -> int:
        return int(np.count_nonzero(self.used))

    @property
    def room(self) -> int:
        """How many more rows there can be."""
        return self._most - len(self)

    def find(self, rows: C) -> NDArray[np.int64]:
        """The place of each row's key, -1 where there is none."""
        places = self._index.find(self._keys(rows)) - 1
        found = np.flatnonzero(places >= 0)
        there = self.rows.take(places[found])
        pairs = zip(tuples(there, self._key), tuples(rows.take(found), self._key), strict=True)
        is_same = np.all([mine == theirs for mine, theirs in pairs], axis=0)
        places[found[~is_same]] = -1
        return places

    def add(self, rows: C) -> NDArray[np.int64]:
        """Add rows whose keys are distinct and not here; returns their places: those of the first rows, if there is no room for all."""
        rows = rows.take(np.arange(min(len(rows), self.room)))
        self._make_room(len(rows))
        places = np.flatnonzero(~self.used)[: len(rows)]
        for name, values in rows.as_dict().items():
            getattr(self.rows, name)[places] = values
        self.used[places] = True
        self._index.put(self._keys(rows), places + 1)
        return places

    def drop(self, places: NDArray[np.int64]) -> None:
        """Forget the rows at these places."""
        self._index.drop(self._keys(self.rows.take(places)), places + 1)
        self.used[places] = False

    def _keys(self, rows: C) -> Keys:
        return mixed(tuples(rows, self._key), self._seed)[:, None]

    def _make_room(self, more: int) -> None:
        needed = len(self) + more
        if needed > len(self.used):
            size = min(self._most, max(_FEWEST, 2 * len(self.used), needed))
            self._grow(size - len(self.used))

    def _grow(self, more: int) -> None:
        self.used = np.append(self.used, np.zeros(more, "?"))
        columns = self.rows.as_dict()
        self.rows = self._kind.empty()  # each column goes as soon as it is copied: there are never two of all
        for name, values in columns.items():
            columns[name] = np.concatenate([values, np.zeros(more, values.dtype)])
        self.rows = self._kind(**columns)
