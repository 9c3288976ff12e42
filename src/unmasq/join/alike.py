"""Connections of one tuple, found by it: a client's port is used again sooner or later."""

from collections.abc import Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

Key = bytes
"""A packed tuple, as the proxy's socket saw it."""

MOST_ALIKE = 64
"""Connections of one tuple that lines are compared with. Who opens more from one port in two minutes does it to be a burden."""


class Alike:
    """Serials by tuple, the newest last."""

    def __init__(self) -> None:
        self._newest: dict[Key, int] = {}
        self._older: dict[Key, tuple[int, ...]] = {}
        """Of a tuple whose port was used again."""

    def put(self, key: Key, serial: int) -> bool:
        """Add the newest of a tuple; whether there were too many, so that the oldest is no candidate any more."""
        alike = self.candidates(key)
        if alike:
            self._older[key] = alike[1 - MOST_ALIKE :]
        self._newest[key] = serial
        return len(alike) >= MOST_ALIKE

    def candidates(self, key: Key) -> tuple[int, ...]:
        """The serials of the connections with this tuple, the newest last."""
        return (*self._older.get(key, ()), self._newest[key]) if key in self._newest else ()

    def newest(self, keys: Sequence[Key]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """For each tuple the serial of its newest connection, 0 where it has none, and whether there are older ones."""
        serials = np.fromiter(map(self._newest.get, keys, repeat(0)), "i8", len(keys))
        return serials, np.fromiter(map(self._older.__contains__, keys), "?", len(keys))

    def forget(self, key: Key, serial: int) -> None:
        """Drop one; a connection that is one too many of its tuple is not among them any more."""
        if key in self._older:
            *older, self._newest[key] = (other for other in self.candidates(key) if other != serial)
            self._older[key] = tuple(older)
            if not older:
                del self._older[key]
        elif self._newest.get(key) == serial:
            del self._newest[key]
