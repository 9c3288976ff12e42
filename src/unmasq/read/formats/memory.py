"""What was converted once: most values of a log come again and again, so a look-up replaces nearly every conversion.

Clients choose many of the values, so a memory that has grown is emptied.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from unmasq.model.address import NONE, parse
from unmasq.model.columns import Array
from unmasq.read.formats.values import Values

MOST = 1 << 17


class Memory(dict[Any, Any]):
    """Converts what it has not met."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, raw: Any) -> Any:
        value = self[raw] = self._convert(raw)
        return value

    def column(self, values: Values, dtype: str) -> Array:
        """The converted values; empties the memory first where it has grown."""
        if len(self) > MOST:
            self.clear()
        raw, places = values.dictionary()
        return np.fromiter(map(self.__getitem__, raw), dtype, len(raw))[places]


class Addresses:
    """Raw addresses to the two columns of an address."""

    def __init__(self) -> None:
        self._forget()

    def columns(self, values: Values | None, length: int) -> tuple[Array, Array]:
        """Hi and lo of each value, NONE where it names no address or where there are no values."""
        if values is None:
            return np.zeros(length, "u8"), np.zeros(length, "u8")
        if self._count > MOST:
            self._forget()
        rows = self._rows.column(values, "i8")
        return self._hi[rows], self._lo[rows]

    def _forget(self) -> None:
        self._rows = Memory(self._row)
        self._hi, self._lo = np.zeros((2, 1024), "u8")
        self._count = 0

    def _row(self, raw: bytes) -> int:
        if self._count == len(self._hi):
            self._hi, self._lo = (np.concatenate([half, np.zeros_like(half)]) for half in (self._hi, self._lo))
        self._hi[self._count], self._lo[self._count] = parse(raw.decode("ascii", "replace")) or NONE
        self._count += 1
        return self._count - 1
