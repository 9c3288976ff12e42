"""Which connections the waiting room no longer needs."""

import numpy as np
from numpy.typing import NDArray

from unmasq.base.clock import MICROSECONDS
from unmasq.join.connections import Connections
from unmasq.join.settings import WindowSettings

_LISTED_US = 300 * MICROSECONDS
"""How long after its end a connection is remembered at most while conntrack still has an entry of it, which it mostly does
for 120 s: the entry's last word must not look like a connection of its own."""


def over(rows: Connections, settings: WindowSettings, now_us: int) -> NDArray[np.bool_]:
    """Those that ended so long ago that no line of theirs is expected any more."""
    patience_us = np.where(rows.is_listed, _LISTED_US, settings.wait_us)
    return np.asarray((rows.end_us > 0) & (rows.end_us <= now_us - patience_us))


def crowding(rows: Connections, settings: WindowSettings, now_us: int, count: int) -> NDArray[np.int64]:
    """The rows of up to `count` connections that ended and had their lines, the longest ended first.

    They make room where there are too many: lines of theirs that are still to come go without, which is better than that a new
    connection does.
    """
    idle = (rows.end_us > 0) & (rows.end_us <= now_us - settings.linger_us) & ~rows.is_listed
    candidates = np.flatnonzero(idle & (rows.requests > 0) & (rows.held == 0) & ~rows.is_gone)
    return candidates[np.argsort(rows.end_us[candidates], kind="stable")[: max(0, count)]]
