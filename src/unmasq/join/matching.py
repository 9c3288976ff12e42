"""Which connection a line came on, for many lines at once; `ConnectionTable.find` is the rule for one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmasq.join.alike import Key
from unmasq.join.connections import tuples
from unmasq.join.keys import numbered
from unmasq.join.lines import JoinedLines, is_exact
from unmasq.join.pairing import SLACK_US
from unmasq.join.table import ConnectionTable
from unmasq.model.columns import Array
from unmasq.model.groups import distinct, grouped
from unmasq.model.index import keyed, packed


class Matched(NamedTuple):
    """For each line the serial of its connection (0: none is known), its time, and whether it may still find a connection."""

    serials: NDArray[np.int64]
    times: NDArray[np.int64]
    waits: NDArray[np.bool_]
    missing: set[Key]
    """The tuples of the lines that wait."""


def match(lines: JoinedLines, table: ConnectionTable) -> Matched:
    """Find the connections of lines, and count the requests on each. A line without source or port can have none."""
    order, begin = grouped(tuples(lines))
    of_tuple, keys = numbered(order, begin), keyed([column[order[begin]] for column in tuples(lines)])
    named = (lines.source_port > 0) & ((lines.source_hi | lines.source_lo) > 0)
    only, several = table.alike.newest(keys)
    only[several | ~named[order[begin]]] = 0
    serials = _of_only_ones(lines, of_tuple, only, table)
    rows = np.flatnonzero(several[of_tuple] & named)
    exact = is_exact(lines.time_source)
    for row, key in zip(rows.tolist(), packed(keys[of_tuple[rows]]), strict=True):
        serials[row] = table.find(key, int(lines.time_us[row]), int(lines.opened_us[row]), exact_time=bool(exact[row]))
    table.requested(serials[serials > 0])
    waits = named & (serials == 0)
    missing = set(packed(keys[distinct(of_tuple[waits])]))
    return Matched(serials, _times(lines, serials, table), waits, missing)


def _of_only_ones(lines: JoinedLines, of_tuple: Array, only: Array, table: ConnectionTable) -> NDArray[np.int64]:
    """Serials of lines whose tuple has one connection: `only`, or 0."""
    earliest_us, start_us, end_us = (bound[of_tuple] for bound in _bounds(only, table))
    is_over = is_exact(lines.time_source) & (end_us > 0) & (lines.time_us > end_us + SLACK_US)
    by_time = (earliest_us <= lines.time_us + SLACK_US) & ~is_over
    by_start = (earliest_us - SLACK_US <= lines.opened_us) & (lines.opened_us <= start_us + SLACK_US)
    serials: NDArray[np.int64] = np.where(np.where(lines.opened_us > 0, by_start, by_time), only[of_tuple], 0)
    return serials


def _times(lines: JoinedLines, serials: Array, table: ConnectionTable) -> NDArray[np.int64]:
    """The time of each line: where it is that of reading, no later than the end of its connection."""
    rough = ~is_exact(lines.time_source)
    if not rough.any():
        return lines.time_us
    end_us = _bounds(serials, table)[2]
    return np.where(rough & (end_us > 0), np.minimum(lines.time_us, end_us), lines.time_us)


def _bounds(serials: Array, table: ConnectionTable) -> tuple[Array, Array, Array]:
    """Earliest and latest start, and end of connections; zeros for none."""
    bounds = np.zeros((3, len(serials)), "i8")
    known, rows = serials > 0, table.rows
    at = rows.rows_of(serials[known])
    for values, name in zip(bounds, ("earliest_us", "start_us", "end_us"), strict=True):
        values[known] = getattr(rows, name)[at]
    return bounds[0], bounds[1], bounds[2]
