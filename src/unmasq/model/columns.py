"""Batches as columns: numpy arrays of equal length with names and types, because an object a record costs too much.

A batch is a frozen dataclass whose fields are declared with `column(dtype)`. An address is two columns, `NAME_hi` and
`NAME_lo`; times are i8 microseconds UTC with 0 for "unknown"; counts are i8 with -1 for "unknown".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from types import MappingProxyType
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def column(dtype: str) -> Any:
    """Declare a column of a batch."""
    return field(metadata={"dtype": np.dtype(dtype)})


@dataclass(frozen=True, slots=True)
class Columns:
    """The base of every batch: rows are taken, joined and built in one way."""

    @classmethod
    @cache
    def dtypes(cls) -> Mapping[str, np.dtype[Any]]:
        """Column names and types, in order."""
        return MappingProxyType({f.name: f.metadata["dtype"] for f in fields(cls)})

    @classmethod
    def of(cls, values: Mapping[str, Sequence[Any] | Array]) -> Self:
        """A batch of the given columns, each converted to its type. Every column must be there."""
        return cls(**{name: np.asarray(values[name], dtype) for name, dtype in cls.dtypes().items()})

    @classmethod
    def filled(cls, length: int, **known: Array | int) -> Self:
        """A batch of `length` rows: the known columns, and zeros in the rest."""
        return cls(**{name: _filled(known.get(name, 0), length, dtype) for name, dtype in cls.dtypes().items()})

    @classmethod
    def empty(cls) -> Self:
        """A batch without rows."""
        return cls.filled(0)

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """All rows of the parts, in order."""
        if len(parts) == 1:
            return parts[0]
        return cls(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in cls.dtypes()}) if parts else cls.empty()

    def __len__(self) -> int:
        return len(getattr(self, next(iter(self.dtypes()))))

    def take(self, rows: Array) -> Self:
        """The rows of an index array or a mask."""
        return type(self)(**{name: getattr(self, name)[rows] for name in self.dtypes()})

    def as_dict(self) -> dict[str, Array]:
        """Name -> array, for a store that inserts columns."""
        return {name: getattr(self, name) for name in self.dtypes()}


def _filled(value: Array | int, length: int, dtype: np.dtype[Any]) -> Array:
    if isinstance(value, np.ndarray):
        whole = value if value.shape == (length,) else np.broadcast_to(value, length)
        return np.ascontiguousarray(whole, dtype)
    return np.full(length, value, dtype)
