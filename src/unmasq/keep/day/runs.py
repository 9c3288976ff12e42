"""Runs of bytes of log files: which lines the store holds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unmasq.model.columns import Array

Runs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
_FILE_BITS = 44  # no log file is longer than 16 TiB


def merged(file: Array, start: Array, stop: Array) -> Runs:
    """Runs [start, stop) sorted by file and start, with those that touch or overlap made one."""
    order = np.lexsort((stop, start, file))
    file, start, stop = file[order], start[order], stop[order]
    if not len(file):
        return file, start, stop
    new = np.ones(len(file), "?")
    new[1:] = file[1:] != file[:-1]
    rank = np.cumsum(new).astype("i8") << _FILE_BITS
    reach = np.maximum.accumulate(stop + rank) - rank  # how far the runs of the same file come, up to this one
    new[1:] |= start[1:] > reach[:-1]
    first = np.flatnonzero(new)
    return file[first], start[first], reach[np.append(first[1:], len(file)) - 1]


def of_one(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The merged runs of one file."""
    table = np.array(pairs, "i8").reshape(-1, 2)
    _, start, stop = merged(np.zeros(len(table), "i8"), table[:, 0], table[:, 1])
    return list(zip(start.tolist(), stop.tolist(), strict=True))
