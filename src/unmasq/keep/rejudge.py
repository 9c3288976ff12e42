"""Judging stored flows again, as if the present trust list had been there when they came."""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np

from unmasq.base.clock import DAY_US
from unmasq.keep import schema
from unmasq.keep.ageing import sort_addresses
from unmasq.keep.dayfile import name_of
from unmasq.keep.duck import DuckStore
from unmasq.model.flowbatch import ChainColumns, Flag, FlowColumns, Role
from unmasq.unwind.claims import claims_of
from unmasq.unwind.judge import DERIVED, judge
from unmasq.unwind.trust import TrustList

AT_ONCE = 50_000
"""Flows that are judged in one go: bounds the memory it takes."""


_VERDICT = ("client_hi", "client_lo", "evidence", "flags")


@dataclass(frozen=True)
class Progress:
    """One day that is done; of `days`, this was number `done`."""

    day: int
    flows: int
    done: int
    days: int


_OLDER = "SELECT count(*), coalesce(min(flow), 0), coalesce(max(flow), -1) FROM {day}.flows WHERE trust_version <> $version"
_SOME = "SELECT * FROM {day}.{table} WHERE flow BETWEEN $first AND $last ORDER BY ALL"
_TEXTS = "SELECT value FROM {day}.texts WHERE text IN (SELECT unnest($texts)) ORDER BY text"
_BEFORE = """
CREATE OR REPLACE TEMP TABLE judged (chain BIGINT, flow BIGINT, client_hi UBIGINT, client_lo UBIGINT, evidence UTINYINT, flags USMALLINT)
"""
# Only what changes is written: most verdicts stay as they were.
_APPLY = """
CREATE OR REPLACE TEMP TABLE changed AS
SELECT j.* FROM judged j JOIN {day}.chains c ON c.chain = j.chain
WHERE c.client_hi <> j.client_hi OR c.client_lo <> j.client_lo OR c.evidence <> j.evidence OR c.flags <> j.flags;

UPDATE {day}.chains c SET client_hi = j.client_hi, client_lo = j.client_lo, evidence = j.evidence, flags = j.flags
FROM changed j WHERE j.chain = c.chain;

UPDATE {day}.flows f SET flags = (f.flags & {facts}) | g.flags
FROM (SELECT flow, bit_or(flags) AS flags FROM judged WHERE flow IN (SELECT flow FROM changed) GROUP BY flow) g WHERE g.flow = f.flow;

UPDATE {day}.flows SET trust_version = {version} WHERE trust_version <> {version};

UPDATE {day}.addresses SET roles = roles - {client} WHERE roles & {client} > 0 AND chain IN (SELECT chain FROM changed);

DELETE FROM {day}.addresses WHERE roles = 0 AND chain IN (SELECT chain FROM changed);

UPDATE {day}.addresses a SET roles = a.roles | {client}
FROM changed c WHERE a.chain = c.chain AND a.hi = c.client_hi AND a.lo = c.client_lo;

INSERT INTO {day}.addresses BY NAME
SELECT c.client_hi AS hi, c.client_lo AS lo, {client} AS roles, c.flow, c.chain, c.first_us, c.last_us, c.requests
FROM {day}.chains c WHERE c.chain IN (SELECT chain FROM changed WHERE client_hi > 0 OR client_lo > 0)
AND NOT EXISTS (FROM {day}.addresses a WHERE a.chain = c.chain AND a.roles & {client} > 0)
"""


def rejudge(store: DuckStore, since_us: int | None = None) -> Iterator[Progress]:
    """Judge all days, or those from `since_us` on, by the present list, newest first; one transaction a day.

    What others summed up, and what lines said of themselves, stays as it came.
    """
    trust = store.control.trust_list()
    days = [day for day in store.days.days() if since_us is None or day >= since_us // DAY_US]
    for done, day in enumerate(days, 1):
        with store.changing(day) as cursor:
            flows = _judge_day(cursor, name_of(day), trust)
        yield Progress(day, flows, done, len(days))


def _judge_day(cursor: duckdb.DuckDBPyConnection, day: str, trust: TrustList) -> int:
    """Returns how many flows an other list had judged."""
    flows, first, last = cursor.execute(_OLDER.format(day=day), {"version": trust.version}).fetchall()[0]
    if not flows:
        return 0
    cursor.execute(_BEFORE)
    for begin in range(first, last + 1, AT_ONCE):
        _judge_some(cursor, day, trust, {"first": begin, "last": min(begin + AT_ONCE - 1, last)})
    facts = int(~DERIVED | Flag.SNAT_ELSEWHERE) & 0xFFFF
    for statement in _APPLY.format(day=day, version=trust.version, client=Role.CLIENT.bit, facts=facts).split(";"):
        cursor.execute(statement)
    if schema.meta(cursor, day, schema.CLOSED) is not None:
        sort_addresses(cursor, day)
    return int(flows)


def _judge_some(cursor: duckdb.DuckDBPyConnection, day: str, trust: TrustList, numbers: dict[str, int]) -> None:
    flows = cursor.execute(_SOME.format(day=day, table="flows"), numbers).fetchnumpy()
    rows = cursor.execute(_SOME.format(day=day, table="chains"), numbers).fetchnumpy()
    used, headers = np.unique(rows["headers"], return_inverse=True)
    texts = [value for (value,) in cursor.execute(_TEXTS.format(day=day), {"texts": used.tolist()}).fetchall()]
    chains = ChainColumns.of(rows | {"flow": np.searchsorted(flows["flow"], rows["flow"]), "headers": headers})
    judged = judge(FlowColumns.of(flows), chains, claims_of(texts), trust)
    cursor.register("incoming", {"chain": rows["chain"], "flow": rows["flow"], **{name: getattr(judged, name) for name in _VERDICT}})
    cursor.execute("INSERT INTO judged BY NAME SELECT * FROM incoming")
    cursor.unregister("incoming")
