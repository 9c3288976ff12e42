"""Which connection a line came on, for many lines at once."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmasq.join.alike import MOST_ALIKE, Alike, Key
from unmasq.join.connections import SOURCE, TUPLE, tuples
from unmasq.join.fitting import AMBIGUOUS, best, fits
from unmasq.join.keys import numbered
from unmasq.join.lines import JoinedLines, has_source, is_exact
from unmasq.join.pairing import SLACK_US
from unmasq.join.table import ConnectionTable
from unmasq.model.columns import Array
from unmasq.model.groups import distinct, grouped
from unmasq.model.index import Keys, keyed, packed
from unmasq.model.ingress import TimeSource


class Matched(NamedTuple):
    """For each line the serial of its connection (0: none is known), its time, and whether it may still find a connection."""

    serials: NDArray[np.int64]
    times: NDArray[np.int64]
    waits: NDArray[np.bool_]
    missing: frozenset[Key]
    """The keys of the lines that wait."""
    refused: Mapping[str, int] = {}
    """How many lines will never find theirs, by reason."""


def match(lines: JoinedLines, table: ConnectionTable) -> Matched:
    """Find the connections of lines by their tuples, and count the requests on each. A line without source or port can have none."""
    named = has_source(lines)
    serials, of_key, keys = _found(lines, named, table.alike, TUPLE, table, crowd=MOST_ALIKE + 1)
    table.requested(serials[serials > 0])
    return _matched(lines, serials, named & (serials == 0), of_key, keys, table)


def match_partial(lines: JoinedLines, table: ConnectionTable, remembered_us: int) -> Matched:
    """The same for lines that do not name their own end: by source and time, where these are of connections to one listener only.

    What ended longer than `remembered_us` ago is forgotten, or earlier where there is no room, so nobody knows whether there was
    another connection at the time of an older line. Refuses such lines (`old`), and those that connections to several listeners
    fit, or of whose source and port there are too many connections to be sure (`ambiguous`).
    """
    is_old = _is_old(lines, np.maximum(lines.arrived_us - remembered_us, table.forgotten_us + SLACK_US))
    serials, of_key, keys = _found(lines, ~is_old, table.of_sources(), SOURCE, table, crowd=MOST_ALIKE)
    is_ambiguous = serials == AMBIGUOUS
    serials[is_ambiguous] = 0
    table.requested(serials[serials > 0], partial=True)
    found = _matched(lines, serials, ~is_old & ~is_ambiguous & (serials == 0), of_key, keys, table)
    return found._replace(refused={"old": int(is_old.sum()), "ambiguous": int(is_ambiguous.sum())})


def _is_old(lines: JoinedLines, since_us: Array) -> NDArray[np.bool_]:
    """Whether each line is of a time before all connections are remembered. It does not matter where it tells the start of its own."""
    is_late = lines.time_us < since_us
    old: NDArray[np.bool_] = (is_late | (lines.time_source == TimeSource.READ)) & (lines.opened_us == 0)
    return old


def _found(
    lines: JoinedLines, named: NDArray[np.bool_], alike: Alike, names: Sequence[str], table: ConnectionTable, *, crowd: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Keys]:
    """The serials of lines that are `named`, 0 for the others; and for each line the place of its key among the keys."""
    columns = tuples(lines, names)
    order, begin = grouped(columns)
    of_key, keys = numbered(order, begin), keyed([column[order[begin]] for column in columns])
    only, several = alike.newest(keys)
    only[several] = 0
    serials = np.where(named, _of_only_ones(lines, of_key, only, table), 0)
    rows = np.flatnonzero(several[of_key] & named)
    if len(rows):
        used = distinct(of_key[rows])
        candidates = [alike.candidates(key) for key in packed(keys[used])]
        serials[rows] = best(lines.take(rows), candidates, np.searchsorted(used, of_key[rows]), table.rows, crowd)
    return serials, of_key, keys


def _matched(
    lines: JoinedLines, serials: NDArray[np.int64], waits: NDArray[np.bool_], of_key: NDArray[np.int64], keys: Keys, table: ConnectionTable
) -> Matched:
    missing = frozenset(packed(keys[distinct(of_key[waits])]))
    return Matched(serials, _times(lines, serials, table), waits, missing)


def _of_only_ones(lines: JoinedLines, of_key: Array, only: Array, table: ConnectionTable) -> NDArray[np.int64]:
    """Serials of lines whose key has one connection: `only`, or 0."""
    earliest_us, start_us, end_us = (bound[of_key] for bound in _bounds(only, table))
    serials: NDArray[np.int64] = np.where(fits(lines, earliest_us, start_us, end_us), only[of_key], 0)
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
