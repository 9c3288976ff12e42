"""Flows whose source another node translated, and that node's records of it: by the tuple that the proxy saw, and by time.

A port is used again, so the tuple alone would give a client the requests of another. A flow that two different records
fit equally well, and lines without a connection that more than one record fits, stay as they are: no client is guessed.
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


def matched(flows: FlowColumns, records: Translations) -> Matched:
    """The record of each flow that is flagged `snat_elsewhere`, where there is exactly one that fits best.

    `records` has no connection twice. The order of the rows on either side does not matter.
    """
    pairs = _pairs(np.flatnonzero((flows.flags & Flag.SNAT_ELSEWHERE) > 0), flows, records)
    pairs = pairs.take(pairs.gap_us <= APART_US)
    pairs = pairs.take(np.lexsort((pairs.distance_us, pairs.gap_us, pairs.flow)))
    first = np.flatnonzero(np.diff(pairs.flow, prepend=-1))
    count = np.diff(np.append(first, len(pairs.flow)))
    unsure = (count > 1) & ((flows.join[pairs.flow[first]] == Join.UNWITNESSED) | _is_tie(pairs, first, count))
    best = pairs.take(first[~unsure])
    return Matched(best.flow, best.record)


def completed(flows: FlowColumns, records: Translations, found: Matched) -> FlowColumns:
    """The flows with what their records say: join, NAT source, and the start where the proxy's own kernel had no time stamp.

    The flag stays until the chains are judged again.
    """
    columns = {name: values.copy() for name, values in flows.as_dict().items()}
    rows, record = found.flows, records.take(found.records)
    columns["join"][rows] = Join.REMOTE_NAT
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
    """One row a connection; of its ends the first that is known."""
    key = [*tuples(records), records.orig_source_hi, records.orig_source_lo, records.orig_source_port, records.start_us]
    order, begin = grouped(key)
    if not len(order):
        return records
    ends = np.where(records.end_us > 0, records.end_us, _EVER_US)
    first_us = np.minimum.reduceat(ends[order], begin)
    return replace(records.take(order[begin]), end_us=np.where(first_us < _EVER_US, first_us, 0))


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
    """When each record's connection was over at the latest: where its tuple was used again, the other one had ended."""
    order, begin = grouped([of_record, records.start_us])
    block = numbered(order, begin)
    first = order[begin]
    sorted_blocks = np.lexsort((records.start_us[first], of_record[first]))
    starts, group = records.start_us[first][sorted_blocks], of_record[first][sorted_blocks]
    next_us = np.full(len(first), _EVER_US)
    again = np.flatnonzero(group[1:] == group[:-1])
    next_us[sorted_blocks[again]] = starts[again + 1]
    ends: NDArray[np.int64] = np.minimum(np.where(records.end_us > 0, records.end_us, _EVER_US), next_us[block])
    return ends


def _is_tie(pairs: _Pairs, first: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the second-best pair of a flow is as good as the best."""
    second = np.where(count > 1, first + 1, first)
    same_gap = pairs.gap_us[second] == pairs.gap_us[first]
    tie: NDArray[np.bool_] = (count > 1) & same_gap & (pairs.distance_us[second] == pairs.distance_us[first])
    return tie


def _started(opened_us: Array, flows: FlowColumns) -> Array:
    return ((opened_us >= flows.interval_start_us) & (opened_us < flows.interval_end_us)).astype("u1")
