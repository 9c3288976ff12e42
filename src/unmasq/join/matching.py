"""Which connection a line came on, for many lines at once; `ConnectionTable.find` is the rule for one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmasq.join.keys import numbered
from unmasq.join.lines import JoinedLines, is_exact
from unmasq.join.table import SLACK_US, Connection, ConnectionTable, Key
from unmasq.model.columns import Array
from unmasq.model.groups import distinct, grouped
from unmasq.model.ingress import TimeSource


class Matched(NamedTuple):
    """For each line the serial of its connection (0: none is known), its time, and whether it may still find a connection."""

    serials: NDArray[np.int64]
    times: NDArray[np.int64]
    waits: NDArray[np.bool_]
    missing: set[Key]
    """The tuples of the lines that wait."""


def match(lines: JoinedLines, table: ConnectionTable) -> Matched:
    """Find the connections of lines, and count the requests on each. A line without source or port can have none."""
    order, begin = grouped(tuple_columns(lines))
    of_tuple, keys = numbered(order, begin), _keys(lines.take(order[begin]))
    named = (lines.source_port > 0) & ((lines.source_hi | lines.source_lo) > 0)
    candidates = [table.candidates(key) if can else [] for key, can in zip(keys, named[order[begin]].tolist(), strict=True)]
    only = [some[0] if len(some) == 1 else None for some in candidates]
    serials, times = _of_only_ones(lines, of_tuple, only, table)
    several = np.array([len(some) > 1 for some in candidates], "?")
    for row in np.flatnonzero(several[of_tuple]).tolist():
        _of_several(lines, row, keys[of_tuple[row]], table, serials, times)
    waits = named & (serials == 0)
    return Matched(serials, times, waits, {keys[number] for number in distinct(of_tuple[waits]).tolist()})


def tuple_columns(lines: JoinedLines) -> list[Array]:
    """What the proxy's socket saw, column by column, as in `Key`."""
    return [lines.protocol, lines.source_hi, lines.source_lo, lines.source_port, lines.dest_hi, lines.dest_lo, lines.dest_port]


def _keys(lines: JoinedLines) -> list[Key]:
    return list(zip(*(column.tolist() for column in tuple_columns(lines)), strict=True))


def _of_only_ones(lines: JoinedLines, of_tuple: Array, only: Sequence[Connection | None], table: ConnectionTable) -> tuple[Array, Array]:
    """Serials and times of lines whose tuple has one connection."""
    known = np.array([(c.serial, c.start_us, c.end_us) if c else (0, 0, 0) for c in only], "i8").reshape(-1, 3)
    serial, start, end = known[of_tuple].T
    exact = np.isin(lines.time_source, (TimeSource.LINE, TimeSource.LOG))
    by_time = (start <= lines.time_us + SLACK_US) & ~(exact & (end > 0) & (lines.time_us > end + SLACK_US))
    by_start = np.abs(start - lines.opened_us) <= SLACK_US
    serials = np.where(np.where(lines.opened_us > 0, by_start, by_time), serial, 0)
    for number, requests in enumerate(np.bincount(of_tuple[serials > 0], minlength=len(only)).tolist()):
        connection = only[number]
        if connection and requests:
            table.requested(connection, requests)
    return serials, np.where((serials > 0) & ~exact & (end > 0), np.minimum(lines.time_us, end), lines.time_us)


def _of_several(lines: JoinedLines, row: int, key: Key, table: ConnectionTable, serials: Array, times: Array) -> None:
    """The same for one line whose port was used again."""
    exact = is_exact(int(lines.time_source[row]))
    found = table.find(key, int(times[row]), int(lines.opened_us[row]), exact_time=exact)
    if found:
        serials[row] = found.serial
        table.requested(found, 1)
        if found.end_us and not exact:
            times[row] = min(times[row], found.end_us)
