"""Columns that together are a key, grouped exactly: rows of one key become neighbours."""

import secrets
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unmasq.model.columns import Array
from unmasq.model.index import keyed
from unmasq.model.native import NATIVE, Native

_SEED = secrets.randbits(64)
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


def grouped(columns: Sequence[Array], native: Native | None = NATIVE) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(order, begin): rows sorted so that equal keys are neighbours, and where in that order each group begins.

    Groups stand in the order in which their keys are first met, and the rows of a group in their own.
    """
    if native is None:
        return _as_first_met(*_sorted(columns))
    order, begin = np.empty((2, len(columns[0])), "i8")
    count = native.grouped(keyed(columns), order, begin, len(columns), _SEED)
    return order, begin[:count]


def _sorted(columns: Sequence[Array]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(order, begin) by one hash, which is several times as fast as by all columns; those decide only where two keys share it."""
    hashes = mixed(columns)
    order = np.argsort(hashes, kind="stable")
    new = _changes(columns, order)
    if (new[1:] & (hashes[order[1:]] == hashes[order[:-1]])).any():
        order = np.lexsort(columns[::-1])
        new = _changes(columns, order)
    return order, np.flatnonzero(new)


def _as_first_met(order: NDArray[np.int64], begin: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sizes = np.diff(np.append(begin, len(order)))
    first = np.repeat(order[begin], sizes)
    met = np.argsort(order[begin])
    return order[np.argsort(first, kind="stable")], np.cumsum(sizes[met]) - sizes[met]


def _changes(columns: Sequence[Array], order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each row, in that order, differs from the one before it."""
    new = np.zeros(len(order), "?")
    new[:1] = True
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    return new


def distinct(numbers: Array) -> Array:
    """The distinct values, sorted. NumPy's own `unique` is several times as slow where there are many."""
    ordered = np.sort(numbers)
    new = np.ones(len(ordered), "?")
    new[1:] = ordered[1:] != ordered[:-1]
    found: Array = ordered[new]
    return found


def once(group: NDArray[np.int64], columns: Sequence[Array]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rows, counts): one row of each distinct (group, columns), and how many rows are like it.

    `group` numbers from 0. A row that is alone in its group, as most are, needs no sorting to stand for itself.
    """
    is_alone = np.bincount(group)[group] == 1 if len(group) else np.zeros(0, "?")
    alone, several = np.flatnonzero(is_alone), np.flatnonzero(~is_alone)
    order, begin = grouped([group[several], *(column[several] for column in columns)])
    rows = np.concatenate([alone, several[order[begin]]])
    return rows, np.concatenate([np.ones(len(alone), "i8"), np.diff(np.append(begin, len(order)))])
