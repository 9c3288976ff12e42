"""Connections of one key, found by it: a client's port is used again sooner or later."""

import numpy as np
from numpy.typing import NDArray

from unmasq.join.connections import TUPLE
from unmasq.model.columns import Array
from unmasq.model.index import Keys, index, packed

Key = bytes
"""A packed tuple as the proxy's socket saw it, or of it the packed source."""

MOST_ALIKE = 64
"""Connections of one tuple that lines are compared with. Who opens more from one port in two minutes does it to be a burden."""


class Alike:
    """Serials by key, the newest last: by tuple, or by another key of so many columns; at most `most` of each."""

    def __init__(self, width: int = len(TUPLE), most: int = MOST_ALIKE) -> None:
        self._newest, self._most = index(width), most
        self._older: dict[Key, tuple[int, ...]] = {}
        """Of a key whose port was used again."""

    def put(self, keys: Keys, serials: Array) -> list[int]:
        """Add the newest of their keys; returns the oldest where there were too many: they are no candidates any more."""
        replaced = self._newest.put(keys, serials)
        again = replaced > 0
        behind = map(self._put_behind, packed(keys[again]), replaced[again].tolist())
        return [serial for crowded_out in behind for serial in crowded_out]

    def _put_behind(self, key: Key, serial: int) -> tuple[int, ...]:
        """Of a key that was used again, the connection that was the newest; returns those that are too many."""
        older = (*self._older.get(key, ()), serial)
        self._older[key] = older[1 - self._most :]
        return older[: 1 - self._most]

    def candidates(self, key: Key) -> tuple[int, ...]:
        """The serials of the connections with this key, the newest last."""
        [newest] = self._newest.find(_as_row(key)).tolist()
        return (*self._older.get(key, ()), newest) if newest else ()

    def newest(self, keys: Keys) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """For each key the serial of its newest connection, 0 where it has none, and whether there are older ones."""
        return self._newest.find(keys), self._is_several(keys)

    def forget(self, keys: Keys, serials: Array) -> None:
        """Drop connections; one that is one too many of its key is not among them any more."""
        several = self._is_several(keys)
        for key, serial in zip(packed(keys[several]), serials[several].tolist(), strict=True):
            self._forget_one(key, serial)
        self._newest.drop(keys[~several], serials[~several])

    def _is_several(self, keys: Keys) -> NDArray[np.bool_]:
        """Whether each key has several connections, which is rare."""
        if not self._older:
            return np.zeros(len(keys), "?")
        return np.fromiter(map(self._older.__contains__, packed(keys)), "?", len(keys))

    def _forget_one(self, key: Key, serial: int) -> None:
        """One of several, or of what is left of them."""
        before = self.candidates(key)
        left = tuple(other for other in before if other != serial)
        self._older.pop(key, None)
        if left:
            self._newest.put(_as_row(key), np.array(left[-1:]))
        else:
            self._newest.drop(_as_row(key), np.array(before[-1:]))
        if left[:-1]:
            self._older[key] = left[:-1]


def _as_row(key: Key) -> Keys:
    return np.frombuffer(key, "u8")[None]
