"""Which chains came by a proxy that is not the observed end: found by walking again those that name one of its addresses.

A header may name a proxy that the walk never came to, so that no index knows. What is found goes to the temporary table
`passed_N`, for the N-th `via` of a filter.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmasq.keep.ask.conditions import Bound
from unmasq.keep.ask.sources import View
from unmasq.model.address import Range
from unmasq.model.flowbatch import ChainColumns, Evidence, Flag, FlowColumns, Role
from unmasq.unwind.claims import claims_of
from unmasq.unwind.judge import passed
from unmasq.unwind.trust import TrustList

AT_ONCE = 50_000
"""Chains that are walked in one go: bounds the memory it takes."""

Rows = Mapping[str, NDArray[Any]]

_VERSIONS = "SELECT DISTINCT trust_version FROM day.flows WHERE flow < BELOW"
_CHAINS = f"""
SELECT c.chain, c.headers, f.source_hi, f.source_lo, f.nat_hi, f.nat_lo, f."join", f.flags
FROM day.chains c JOIN day.flows f ON f.flow = c.flow
WHERE f.flow < BELOW AND f.trust_version = {{version}} AND c.evidence = {int(Evidence.FORWARDED)} AND c.flags & {int(Flag.OTHERS)} = 0
AND c.chain IN (SELECT a.chain FROM day.addresses a WHERE a.roles & {Role.CLAIM.bit} > 0 AND {{here}})
ORDER BY c.chain LIMIT $most OFFSET $done
"""
_TEXTS = "SELECT value FROM day.every_text WHERE text IN (SELECT unnest($texts)) ORDER BY text"


def find(view: View, made: Bound, places: Sequence[int]) -> None:
    """Fill the tables that the conditions of a filter speak of with the chains of some sources, and nothing else."""
    for number, ranges in enumerate(made.proxies):
        view.ask(f"CREATE OR REPLACE TEMP TABLE passed_{number} (place INTEGER, chain BIGINT)")
        for place in places:
            _find(view, place, f"passed_{number}", ranges)


def _find(view: View, place: int, table: str, ranges: Sequence[Range]) -> None:
    for (version,) in view.ask(view.within(place, _VERSIONS)):
        trust = view.trust_of(version)
        if _may_trust(trust, ranges):
            _walk(view, place, table, ranges, trust)


def _may_trust(trust: TrustList, ranges: Sequence[Range]) -> bool:
    """Whether a list has a proxy in the ranges: only those are ever walked past."""
    return any(e.range.first <= r.last and r.first <= e.range.last for e in trust.entries for r in ranges)


def _walk(view: View, place: int, table: str, ranges: Sequence[Range], trust: TrustList) -> None:
    """Some chains after the other, until there are no more."""
    asked = Bound()
    here, done = asked.within("a.hi", "a.lo", ranges), 0
    while True:
        question = view.within(place, _CHAINS.format(version=trust.version, here=here))
        rows: Rows = view.cursor.execute(question, asked.values | {"most": AT_ONCE, "done": done}).fetchnumpy()
        if len(rows["chain"]):
            found = rows["chain"][_passed(view, place, rows, ranges, trust)]
            view.cursor.register("walked", {"chain": found})
            view.ask(f"INSERT INTO {table} SELECT {place}, chain FROM walked")
            view.cursor.unregister("walked")
        if len(rows["chain"]) < AT_ONCE:
            return
        done += AT_ONCE


def _passed(view: View, place: int, rows: Rows, ranges: Sequence[Range], trust: TrustList) -> NDArray[np.bool_]:
    used, headers = np.unique(rows["headers"], return_inverse=True)
    texts = [value for (value,) in view.ask(view.within(place, _TEXTS), {"texts": used.tolist()})]
    count = len(rows["chain"])
    flows = FlowColumns.filled(count, **{name: rows[name] for name in rows if name not in ("chain", "headers")})
    chains = ChainColumns.filled(count, flow=np.arange(count), headers=headers)
    return passed(flows, chains, claims_of(texts), trust, ranges)
