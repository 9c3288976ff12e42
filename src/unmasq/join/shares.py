"""What the kernel counted on each connection, interval by interval, until it is handed on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmasq.join.connections import COUNTS, Connections
from unmasq.join.keys import UNKNOWN, reduced
from unmasq.model.columns import Array, Columns, column
from unmasq.model.groups import grouped


@dataclass(frozen=True, slots=True)
class Shares(Columns):
    """One row a connection and interval (or a part of it): bytes and packets, IP layer; -1: the kernel counted none there."""

    serial: Array = column("i8")
    interval_us: Array = column("i8")
    bytes_in: Array = column("i8")
    bytes_out: Array = column("i8")
    packets_in: Array = column("i8")
    packets_out: Array = column("i8")


def counted(known: Connections, rows: NDArray[np.int64], totals: NDArray[np.int64], seen_us: Array, interval_us: int) -> Shares:
    """Take new totals (4, rows) of distinct connections; returns what came since the last ones.

    It belongs to the interval in which that time began, or, where that was handed on already, to the one of `seen_us`.
    """
    before = np.stack([getattr(known, name)[rows] for name in COUNTS])
    told = (totals >= 0).all(axis=0) & (totals >= before).all(axis=0)
    is_first = known.is_inherited[rows] & (before[0] == UNKNOWN)
    began_us = np.maximum(known.counted_us[rows], known.start_us[rows])
    began_us = np.where(began_us // interval_us * interval_us <= known.closed_us[rows], seen_us, began_us)
    delta = totals - np.maximum(before, 0)
    for name, total in zip(COUNTS, totals, strict=True):
        getattr(known, name)[rows[told]] = total[told]
    known.counted_us[rows[told]] = seen_us[told]
    new = told & ~is_first & (delta > 0).any(axis=0)
    shares = dict(zip(COUNTS, delta[:, new], strict=True))
    return Shares(serial=known.serial[rows[new]], interval_us=began_us[new] // interval_us * interval_us, **shares)


def summed(shares: Shares) -> Shares:
    """One row a connection and interval."""
    order, begin = grouped([shares.serial, shares.interval_us])
    first = shares.take(order[begin])
    return Shares(**first.as_dict() | {name: reduced(np.add, getattr(shares, name), order, begin) for name in COUNTS})
