"""Stored flows completed by another node's records that came after them; one transaction a day."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from unmasq.join.connections import TUPLE
from unmasq.join.remote import matched
from unmasq.keep.day import verdicts
from unmasq.keep.day.file import name_of
from unmasq.keep.day.rejudge import Progress
from unmasq.keep.duck import DuckStore
from unmasq.keep.remote.completing import completed_flows
from unmasq.model.address import Range
from unmasq.model.columns import Array
from unmasq.model.flowbatch import Flag, FlowColumns, Role
from unmasq.model.translation import Translations
from unmasq.unwind.trust import TrustList

Rows = Mapping[str, NDArray[Any]]

_CHANGED = ("join", "nat_hi", "nat_lo", "nat_port", "connection", "opened_us", "started", "flags", "trust_version")
_WAITS = f"f.flags & {int(Flag.SNAT_ELSEWHERE)} > 0 AND f.nat_hi = 0 AND f.nat_lo = 0"
_WAITING = f"""
SELECT f.* FROM {{day}}.flows f SEMI JOIN told t ON {" AND ".join(f"f.{name} = t.{name}" for name in TUPLE)}
WHERE {_WAITS} ORDER BY f.flow
"""
_TUPLES = f"SELECT {', '.join(f'f.{name}' for name in TUPLE)} FROM day.flows f WHERE {_WAITS} AND f.flow < BELOW"
_CHAINS = "SELECT c.* FROM {day}.chains c SEMI JOIN amended a ON a.flow = c.flow ORDER BY c.flow, c.chain"
_SET = ", ".join(f'"{name}" = a."{name}"' for name in _CHANGED)
_FLOWS = f"UPDATE {{day}}.flows f SET {_SET} FROM amended a WHERE a.flow = f.flow"
_NAT_SOURCES = f"""
INSERT INTO {{day}}.addresses BY NAME
SELECT f.nat_hi AS hi, f.nat_lo AS lo, {Role.NAT_SOURCE.bit} AS roles, f.flow, -1 AS chain, f.first_us, f.last_us, f.requests
FROM {{day}}.flows f SEMI JOIN amended a ON a.flow = f.flow
"""


def waiting_tuples(store: DuckStore, day: int) -> FlowColumns:
    """The flows of a day that wait for a record, of which only the tuples are told."""
    with store.at([day]) as view:
        rows: Rows = view.cursor.execute(view.union(_TUPLES)).fetchnumpy() if view.sources else {}
    return FlowColumns.filled(len(next(iter(rows.values()), ())), **rows)


def amend(store: DuckStore, records: Translations, node_ranges: Sequence[Range], days: Collection[int]) -> Iterator[Progress]:
    """Complete the flows of some days that these records fit, newest day first, and judge their chains by the present trust list.

    The records must be all that are known of their tuples, none of them twice: what one completes, none completes again.
    Raises StoreError; the days that were done before stay done.
    """
    trust = store.control.trust_list()
    days = [day for day in store.days.days() if day in days]
    for done, day in enumerate(days, 1):
        with store.changing(day) as cursor:
            flows = _amend_day(cursor, name_of(day), records, node_ranges, trust)
        yield Progress(day, flows, done, len(days))


def _amend_day(cursor: duckdb.DuckDBPyConnection, day: str, records: Translations, node_ranges: Sequence[Range], trust: TrustList) -> int:
    """Returns how many flows were completed."""
    rows = _waiting(cursor, day, records)
    flows = FlowColumns.of(rows)
    found = matched(flows, records)
    if not len(found.flows):
        return 0
    chosen = np.sort(found.flows)
    done = completed_flows(flows, records, found, node_ranges).take(chosen)
    judged = {"flow": rows["flow"][chosen], "trust_version": np.full(len(chosen), trust.version, "u4")}
    _write(cursor, day, done.as_dict() | judged, trust)
    return len(found.flows)


def _waiting(cursor: duckdb.DuckDBPyConnection, day: str, records: Translations) -> Rows:
    """The flows of a day that wait for a record of one of these tuples, by their number."""
    cursor.register("told", {name: getattr(records, name) for name in TUPLE})
    rows: Rows = cursor.execute(_WAITING.format(day=day)).fetchnumpy()
    cursor.unregister("told")
    return rows


def _write(cursor: duckdb.DuckDBPyConnection, day: str, amended: Mapping[str, Array], trust: TrustList) -> None:
    cursor.register("amended", dict(amended))
    rows: Rows = cursor.execute(_CHAINS.format(day=day)).fetchnumpy()
    cursor.execute(_FLOWS.format(day=day))
    cursor.execute(_NAT_SOURCES.format(day=day))
    cursor.unregister("amended")
    verdicts.begin(cursor)
    verdicts.judge_rows(cursor, day, trust, amended, rows)
    verdicts.apply(cursor, day)
    verdicts.close_again(cursor, day)
