"""Columns that together are a key, grouped exactly: rows of one key get one number."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unmasq.model.columns import Array

UNKNOWN = -1
"""A count that nobody told."""

_ODD = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def mixed(columns: Sequence[Array], seed: int = 0) -> NDArray[np.uint64]:
    """A 64-bit hash of each row (splitmix64 steps, wrapping). `seed` keeps those who write the logs from choosing collisions."""
    value = np.full(len(columns[0]), seed, "u8")
    for column in columns:
        value = (value ^ column.astype("u8")) + _ODD
        value = (value ^ (value >> np.uint64(30))) * _FIRST
        value = (value ^ (value >> np.uint64(27))) * _SECOND
        value ^= value >> np.uint64(31)
    return value


def grouped(columns: Sequence[Array], seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(order, begin): rows sorted so that equal keys are neighbours, and where in that order each group begins.

    Neighbours are compared by the columns themselves: a collision of hashes can split a group, never unite two.
    """
    if not len(columns[0]):
        return np.zeros(0, "i8"), np.zeros(0, "i8")
    order = np.argsort(mixed(columns, seed), kind="stable")
    new = np.zeros(len(order), "?")
    new[0] = True
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    return order, np.flatnonzero(new)


def numbered(order: NDArray[np.int64], begin: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row, in its original place, the number of its group."""
    numbers = np.zeros(len(order), "i8")
    steps = np.zeros(len(order), "i8")
    steps[begin] = 1
    numbers[order] = np.cumsum(steps) - 1
    return numbers


def reduced(how: np.ufunc, values: Array, order: Array, begin: Array) -> Array:
    """One value a group of `unmasq.join.keys.grouped`."""
    return how.reduceat(values[order], begin) if len(begin) else values[:0]


def summed_known(values: Array, order: Array, begin: Array) -> Array:
    """Sums of the known values; unknown where none is known."""
    known = reduced(np.maximum, values, order, begin) >= 0
    return np.where(known, reduced(np.add, np.maximum(values, 0), order, begin), UNKNOWN)
