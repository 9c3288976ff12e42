"""Connections of one tuple, found by it: a client's port is used again sooner or later."""

import numpy as np
from numpy.typing import NDArray

from unmasq.join.connections import TUPLE
from unmasq.model.columns import Array
from unmasq.model.index import Keys, index, packed

Key = bytes
"""A packed tuple, as the proxy's socket saw it."""

MOST_ALIKE = 64
"""Connections of one tuple that lines are compared with. Who opens more from one port in two minutes does it to be a burden."""


class Alike:
    """Serials by tuple, the newest last."""

    def __init__(self) -> None:
        self._newest = index(len(TUPLE))
        self._older: dict[Key, tuple[int, ...]] = {}
        """Of a tuple whose port was used again."""

    def put(self, keys: Keys, serials: Array) -> int:
        """Add the newest of their tuples; returns how often there were too many, so that the oldest is no candidate any more."""
        replaced = self._newest.put(keys, serials)
        again = replaced > 0
        return sum(map(self._put_behind, packed(keys[again]), replaced[again].tolist()))

    def _put_behind(self, key: Key, serial: int) -> bool:
        """Of a tuple that was used again, the connection that was the newest; whether there are too many."""
        older = (*self._older.get(key, ()), serial)
        self._older[key] = older[1 - MOST_ALIKE :]
        return len(older) >= MOST_ALIKE

    def candidates(self, key: Key) -> tuple[int, ...]:
        """The serials of the connections with this tuple, the newest last."""
        [newest] = self._newest.find(_as_row(key)).tolist()
        return (*self._older.get(key, ()), newest) if newest else ()

    def newest(self, keys: Keys) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """For each tuple the serial of its newest connection, 0 where it has none, and whether there are older ones."""
        return self._newest.find(keys), self._is_several(keys)

    def forget(self, keys: Keys, serials: Array) -> None:
        """Drop connections; one that is one too many of its tuple is not among them any more."""
        several = self._is_several(keys)
        for key, serial in zip(packed(keys[several]), serials[several].tolist(), strict=True):
            self._forget_one(key, serial)
        self._newest.drop(keys[~several], serials[~several])

    def _is_several(self, keys: Keys) -> NDArray[np.bool_]:
        """Whether each tuple has several connections, which is rare."""
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
