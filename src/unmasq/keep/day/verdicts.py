"""Writing new verdicts into a stored day, within the transaction of the caller."""

from collections.abc import Mapping

import duckdb
import numpy as np

from unmasq.keep.day import rollup, schema
from unmasq.keep.day.ageing import sort_addresses
from unmasq.keep.day.texts import every_text
from unmasq.model.columns import Array
from unmasq.model.flowbatch import ChainColumns, Flag, FlowColumns, Role
from unmasq.unwind.claims import claims_of
from unmasq.unwind.judge import DERIVED, judge
from unmasq.unwind.trust import TrustList

_VERDICT = ("client_hi", "client_lo", "evidence", "flags")
_TEXTS = "SELECT value FROM {texts} WHERE text IN (SELECT unnest($texts)) ORDER BY text"
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

UPDATE {day}.addresses SET roles = roles - {client} WHERE roles & {client} > 0 AND chain IN (SELECT chain FROM changed);

DELETE FROM {day}.addresses WHERE roles = 0 AND chain IN (SELECT chain FROM changed);

UPDATE {day}.addresses a SET roles = a.roles | {client}
FROM changed c WHERE a.chain = c.chain AND a.hi = c.client_hi AND a.lo = c.client_lo;

INSERT INTO {day}.addresses BY NAME
SELECT c.client_hi AS hi, c.client_lo AS lo, {client} AS roles, c.flow, c.chain, c.first_us, c.last_us, c.requests
FROM {day}.chains c WHERE c.chain IN (SELECT chain FROM changed WHERE client_hi > 0 OR client_lo > 0)
AND NOT EXISTS (FROM {day}.addresses a WHERE a.chain = c.chain AND a.roles & {client} > 0)
"""


def begin(cursor: duckdb.DuckDBPyConnection) -> None:
    """Make room for verdicts: none is there."""
    cursor.execute(_BEFORE)


def judge_rows(
    cursor: duckdb.DuckDBPyConnection, day: str, trust: TrustList, flows: Mapping[str, Array], rows: Mapping[str, Array]
) -> None:
    """Judge flows, which are sorted by their number, with all their chains `rows`; both are whole rows of the tables."""
    used, headers = np.unique(rows["headers"], return_inverse=True)
    texts = [value for (value,) in cursor.execute(_TEXTS.format(texts=every_text(day)), {"texts": used.tolist()}).fetchall()]
    chains = ChainColumns.of({**rows, "flow": np.searchsorted(flows["flow"], rows["flow"]), "headers": headers})
    judged = judge(FlowColumns.of(flows), chains, claims_of(texts), trust)
    cursor.register("incoming", {"chain": rows["chain"], "flow": rows["flow"], **{name: getattr(judged, name) for name in _VERDICT}})
    cursor.execute("INSERT INTO judged BY NAME SELECT * FROM incoming")
    cursor.unregister("incoming")


def apply(cursor: duckdb.DuckDBPyConnection, day: str) -> None:
    """Write what was judged into the chains, the flags of flows and the address index of a day."""
    facts = int(~DERIVED | Flag.SNAT_ELSEWHERE) & 0xFFFF
    for statement in _APPLY.format(day=day, client=Role.CLIENT.bit, facts=facts).split(";"):
        cursor.execute(statement)


def close_again(cursor: duckdb.DuckDBPyConnection, day: str) -> None:
    """The address index of a closed day is sorted, and its clients are counted; so it must be after they changed."""
    if schema.meta(cursor, day, schema.CLOSED) is not None:
        sort_addresses(cursor, day)
        rollup.make(cursor, day)
