"""The question `span`: what an address, or a range, was, one row a role."""

from unmasq.keep.predicate import Predicate, compiled
from unmasq.keep.protocol import RoleSpan
from unmasq.keep.sources import View
from unmasq.model.address import Range
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Role
from unmasq.model.ingress import TimeSource

_TOTALS = """
SELECT role, sum(requests)::BIGINT, count(DISTINCT connection), count(DISTINCT flow),
       min(first_us) FILTER (time_source <> {read}), max(last_us)
FROM ({hits}) GROUP BY role ORDER BY role
"""
# A flow in which two addresses of the range play the same role counts once: DISTINCT over all but the address.
_HITS = """
SELECT DISTINCT a.role, {{place}}::BIGINT << 48 | f.flow AS flow, {chain}, f.connection, f.time_source
FROM {{db}}.addresses a JOIN {{db}}.flows f ON f.flow = a.flow {join}
WHERE {address} AND {flows}
"""
_WHOLE = "a.chain, a.requests, a.first_us, a.last_us"
_MATCHING = "c.chain, c.requests, c.first_us, c.last_us"


def spans(view: View, address: Range, wanted: FlowFilter) -> list[RoleSpan]:
    """Requests, connections and times by role. Where the filter speaks of chains, only requests of such chains count."""
    predicate = compiled(wanted)
    question = _TOTALS.format(read=int(TimeSource.READ), hits=view.union(_hits(predicate, address)))
    if not view.sources:
        return []
    rows = view.cursor.execute(question, predicate.values).fetchall()
    return [RoleSpan(Role(role).label, *figures) for role, *figures in rows]


def _hits(predicate: Predicate, address: Range) -> str:
    join = ""
    if predicate.chain:
        join = f"JOIN {{db}}.chains c ON c.flow = a.flow AND (a.chain = c.chain OR a.chain < 0) AND {predicate.chains()}"
    chain = _MATCHING if predicate.chain else _WHOLE
    return _HITS.format(chain=chain, join=join, address=predicate.within("a.hi", "a.lo", [address]), flows=predicate.flows())
