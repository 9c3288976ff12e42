"""Flows whose source another node translated, and that node's records of it: by the tuple that the proxy saw, and by time.

A port is used again, so the tuple alone would give a client the requests of another. A flow that records of two sources
fit equally well, and lines without a connection that records of several sources fit, stay as they are: no client is guessed.
Two records may well be of one connection: a node that was started anew tells its start by another clock.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmasq.base.clock import MICROSECONDS
from unmasq.join.connections import tuples
from unmasq.join.keys import numbered
from unmasq.model.columns import Array
from unmasq.model.flowbatch import Flag, FlowColumns, Join
from unmasq.model.groups import grouped, mixed
from unmasq.model.translation import Translations

APART_US = MICROSECONDS
"""How far the clocks of two nodes may be apart."""

_EVER_US = 1 << 62


class Matched(NamedTuple):
    """Rows of flows, and for each the row of its record."""

    flows: NDArray[np.int64]
    records: NDArray[np.int64]


class _Pairs(NamedTuple):
    """A flow and a record of the same tuple, how far they are apart in time, and how far their starts are."""

    flow: NDArray[np.int64]
    record: NDArray[np.int64]
    gap_us: NDArray[np.int64]
    distance_us: NDArray[np.int64]

    def take(self, rows: Array) -> "_Pairs":
        return _Pairs(*(values[rows] for values in self))


def waiting(flows: FlowColumns) -> NDArray[np.bool_]:
    """Whether each flow can be completed: its source was translated elsewhere, and nobody has said whose it was."""
    waits: NDArray[np.bool_] = ((flows.flags & Flag.SNAT_ELSEWHERE) > 0) & (flows.nat_hi == 0) & (flows.nat_lo == 0)
    return waits


def matched(flows: FlowColumns, records: Translations) -> Matched:
    """The record of each flow that waits for one, where it is clear which one fits best.

    `records` has no record twice. The order of the rows on either side does not matter.
    """
    pairs = _pairs(np.flatnonzero(waiting(flows)), flows, records)
    pairs = pairs.take(pairs.gap_us <= APART_US)
    pairs = pairs.take(np.lexsort((records.start_us[pairs.record], pairs.distance_us, pairs.gap_us, pairs.flow)))
    first = np.flatnonzero(np.diff(pairs.flow, prepend=-1))
    if not len(first):
        return Matched(pairs.flow, pairs.record)
    rivals = _are_rivals(pairs, first, records, flows.join[pairs.flow] == Join.UNWITNESSED)
    best = pairs.take(first[~np.logical_or.reduceat(rivals, first)])
    return Matched(best.flow, best.record)


def completed(flows: FlowColumns, records: Translations, found: Matched) -> FlowColumns:
    """The flows with what their records say: join, NAT source, and the start where the proxy's own kernel had no time stamp.

    `unlogged` stays: no line was joined; and `partial`: how its lines were joined is no better known. The flag stays until the
    chains are judged again.
    """
    columns = {name: values.copy() for name, values in flows.as_dict().items()}
    rows, record = found.flows, records.take(found.records)
    join = flows.join[rows]
    columns["join"][rows] = np.where(np.isin(join, (Join.UNLOGGED, Join.PARTIAL)), join, int(Join.REMOTE_NAT))
    for name, told in (("nat_hi", "orig_source_hi"), ("nat_lo", "orig_source_lo"), ("nat_port", "orig_source_port")):
        columns[name][rows] = getattr(record, told)
    unstamped = (flows.opened_us[rows] == 0) | ((flows.flags[rows] & Flag.APPLICATION_BYTES) > 0)
    columns["opened_us"][rows[unstamped]] = record.start_us[unstamped]
    columns["started"][rows] = _started(columns["opened_us"], flows)[rows]
    unnamed = flows.join[rows] == Join.UNWITNESSED
    connection = mixed([*tuples(record), record.start_us])
    columns["connection"][rows[unnamed]] = connection[unnamed]
    return FlowColumns(**columns)


def merged(records: Translations) -> Translations:
    """One row a connection; of its ends the first that is known, and when it was last seen."""
    key = [*tuples(records), records.orig_source_hi, records.orig_source_lo, records.orig_source_port, records.start_us]
    order, begin = grouped(key)
    if not len(order):
        return records
    ends = np.where(records.end_us > 0, records.end_us, _EVER_US)
    first_us = np.minimum.reduceat(ends[order], begin)
    seen_us = np.maximum.reduceat(records.seen_us[order], begin)
    return replace(records.take(order[begin]), end_us=np.where(first_us < _EVER_US, first_us, 0), seen_us=seen_us)


def _pairs(wanted: NDArray[np.int64], flows: FlowColumns, records: Translations) -> _Pairs:
    chosen = flows.take(wanted)
    number = numbered(*grouped([np.concatenate(both) for both in zip(tuples(chosen), tuples(records), strict=True)]))
    of_flow, of_record = number[: len(chosen)], number[len(chosen) :]
    order = np.argsort(of_record, kind="stable")
    begin = np.searchsorted(of_record[order], of_flow, "left")
    count = np.searchsorted(of_record[order], of_flow, "right") - begin
    at = np.repeat(np.arange(len(chosen)), count)
    within = np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count)
    record = order[begin[at] + within]
    begin_us, end_us = _spans(chosen)
    start_us, stop_us = records.start_us[record], _ends(of_record, records)[record]
    gap_us = np.maximum(0, np.maximum(start_us - end_us[at], begin_us[at] - stop_us))
    return _Pairs(wanted[at], record, gap_us, np.abs(start_us - begin_us[at]))


def _spans(flows: FlowColumns) -> tuple[Array, Array]:
    """When the connection of each flow was there: as its kernel says, else as long as its lines tell."""
    known = flows.opened_us > 0
    begin_us = np.where(known, np.minimum(flows.opened_us, flows.first_us), flows.first_us)
    return begin_us, np.where(flows.closed_us > 0, flows.closed_us, np.maximum(flows.last_us, begin_us))


def _ends(of_record: NDArray[np.int64], records: Translations) -> NDArray[np.int64]:
    """Until when each record's connection is known to have been there: where its tuple was used again, the other one had ended.

    Of one that was open when it was seen last nothing is said: the tuple may belong to another since. Records whose starts
    two clocks may tell differently are no other ones.
    """
    order = np.lexsort((records.start_us, of_record))
    tuple_of, start_us = of_record[order], records.start_us[order]
    is_later = (np.diff(tuple_of, prepend=-1) > 0) | (np.diff(start_us, prepend=0) > APART_US)
    first = np.flatnonzero(is_later)
    again = np.append(tuple_of[first[1:]] == tuple_of[first[:-1]], [False])[: len(first)]
    next_us = np.where(again, np.append(start_us[first[1:]], 0)[: len(first)], _EVER_US)
    ends = np.where(records.end_us > 0, records.end_us, records.seen_us)
    ends[order] = np.minimum(ends[order], next_us[np.cumsum(is_later) - 1])
    return ends


def _are_rivals(pairs: _Pairs, first: NDArray[np.int64], records: Translations, is_unwitnessed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each pair speaks against the first one of its flow: another source that fits as well, or that fits lines at all."""
    best = pairs.take(np.repeat(first, np.diff(np.append(first, len(pairs.flow)))))
    sources = [getattr(records, name) for name in ("orig_source_hi", "orig_source_lo", "orig_source_port")]
    is_other = np.any([source[pairs.record] != source[best.record] for source in sources], axis=0)
    fits_as_well = (pairs.gap_us == best.gap_us) & (pairs.distance_us == best.distance_us)
    rivals: NDArray[np.bool_] = is_other & (is_unwitnessed | fits_as_well)
    return rivals


def _started(opened_us: Array, flows: FlowColumns) -> Array:
    return ((opened_us >= flows.interval_start_us) & (opened_us < flows.interval_end_us)).astype("u1")
