"""What becomes of rows that were grouped (`unmasq.model.groups`): a number a group, a value a group."""

import numpy as np
from numpy.typing import NDArray

from unmasq.model.columns import Array

UNKNOWN = -1
"""A count that nobody told."""


def numbered(order: NDArray[np.int64], begin: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row, in its original place, the number of its group."""
    numbers = np.zeros(len(order), "i8")
    steps = np.zeros(len(order), "i8")
    steps[begin] = 1
    numbers[order] = np.cumsum(steps) - 1
    return numbers


def reduced(how: np.ufunc, values: Array, order: Array, begin: Array) -> Array:
    """One value a group of `unmasq.model.groups.grouped`."""
    return how.reduceat(values[order], begin) if len(begin) else values[:0]


def summed_known(values: Array, order: Array, begin: Array) -> Array:
    """Sums of the known values; unknown where none is known."""
    known = reduced(np.maximum, values, order, begin) >= 0
    return np.where(known, reduced(np.add, np.maximum(values, 0), order, begin), UNKNOWN)
