"""What connections have to tell about intervals that are over."""

import numpy as np
from numpy.typing import NDArray

from unmasq.join.connections import COUNTS
from unmasq.join.keys import UNKNOWN
from unmasq.join.leaving import over
from unmasq.join.settings import WindowSettings
from unmasq.join.shares import Shares, summed
from unmasq.join.table import ConnectionTable

EVER_US = 1 << 62
"""Later than any time."""


def parts(
    table: ConnectionTable, settings: WindowSettings, now_us: int, before_us: int, early: NDArray[np.int64], *, everything: bool
) -> Shares:
    """The shares of connections in intervals that began at `before_us` or earlier; who is over leaves the table.

    Those with `early` serials tell of all intervals: their lines leave before these are over.

    A connection without any line tells of itself only when it has ended or is old: its first line may still come. Was it
    never counted either, then its share is unknown: it was there all the same.
    """
    rows = table.rows
    silent = (rows.requests == 0) & (rows.closed_us < 0) & ~rows.is_inherited
    is_old = (rows.end_us > 0) | (now_us - rows.start_us >= settings.wait_us) | everything
    counted, waiting = _taken(table, (rows.requests > 0) | is_old, before_us, early)
    rest = np.zeros(len(rows), "?")
    rest[rows.rows_of(waiting.serial)] = True
    has_shares = rest.copy()
    has_shares[rows.rows_of(counted.serial)] = True
    started_us = rows.start_us // settings.interval_us * settings.interval_us
    quiet = silent & is_old & ~has_shares & ~rows.is_gone & (started_us <= before_us)
    unknown = dict.fromkeys(COUNTS, UNKNOWN)
    found = Shares.concat([
        counted, Shares.filled(int(quiet.sum()), serial=rows.serial[quiet], interval_us=started_us[quiet], **unknown)
    ])  # fmt: skip
    np.maximum.at(rows.closed_us, rows.rows_of(found.serial), found.interval_us)
    table.forget(((over(rows, settings, now_us) & ~rest & (rows.held == 0)) | everything) & ~rows.is_gone)
    table.make_room(now_us, rest)
    return found


def _taken(table: ConnectionTable, may_tell: NDArray[np.bool_], before_us: int, early: NDArray[np.int64]) -> tuple[Shares, Shares]:
    """The shares that are handed on now, one row a connection and interval, and those that stay in the table."""
    shares, rows = Shares.concat(table.shares), table.rows
    is_due = (shares.interval_us <= before_us) | np.isin(shares.serial, early)
    told = is_due & may_tell[rows.rows_of(shares.serial)]
    waiting = shares.take(~told)
    table.shares = [waiting]
    return summed(shares.take(told)), waiting
