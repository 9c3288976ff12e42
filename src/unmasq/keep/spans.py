"""The question `span`: what an address, or a range, was, one row a role."""

from unmasq.keep.predicate import Predicate, compiled
from unmasq.keep.protocol import RoleSpan
from unmasq.keep.sources import View
from unmasq.model.address import Range
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Role
from unmasq.model.ingress import TimeSource

_TOTALS = f"""
SELECT role, sum(requests)::BIGINT, count(DISTINCT connection), count(DISTINCT flow),
       min(first_us) FILTER (time_source <> {int(TimeSource.READ)}), max(last_us)
FROM ({{hits}}) GROUP BY role ORDER BY role
"""
_FLOW = "a.role, PLACE::BIGINT << 48 | f.flow AS flow, f.connection, f.time_source"
_SINGLE = """
SELECT {flow}, a.requests, a.first_us, a.last_us
FROM day.addresses a JOIN day.flows f ON f.flow = a.flow
WHERE {address} AND {flows}
"""
# A chain that names two addresses of the range counts once, and one that sums others at most as often as it has requests.
_RANGE = """
SELECT {flow}, least(sum(a.requests), c.requests) AS requests, min(a.first_us) AS first_us, max(a.last_us) AS last_us
FROM day.addresses a JOIN day.flows f ON f.flow = a.flow LEFT JOIN day.chains c ON c.chain = a.chain
WHERE {address} AND {flows}
GROUP BY a.role, f.flow, f.connection, f.time_source, a.chain, c.requests
"""
# Where the filter speaks of chains, only requests of such chains count, also for what the address was to the whole flow.
_MATCHING = """
SELECT {flow}, CASE WHEN a.chain < 0 THEN c.requests ELSE least(sum(a.requests), c.requests) END AS requests,
       min(greatest(a.first_us, c.first_us)) AS first_us, max(least(a.last_us, c.last_us)) AS last_us
FROM day.addresses a JOIN day.flows f ON f.flow = a.flow
JOIN day.chains c ON c.flow = a.flow AND (a.chain = c.chain OR a.chain < 0)
WHERE {address} AND {flows} AND {chains}
GROUP BY a.role, f.flow, f.connection, f.time_source, a.chain, c.chain, c.requests
"""


def spans(view: View, address: Range, wanted: FlowFilter) -> list[RoleSpan]:
    """Requests, connections and times by role."""
    if not view.sources:
        return []
    predicate = compiled(wanted)
    hits = _hits(predicate, address)
    rows = view.ask(_TOTALS.format(hits=view.union(hits)), predicate.values)
    return [RoleSpan(Role(role).label, *figures) for role, *figures in rows]


def _hits(predicate: Predicate, address: Range) -> str:
    select = _MATCHING if predicate.chain else _SINGLE if address.is_single else _RANGE
    here = predicate.within("a.hi", "a.lo", [address])
    return select.format(flow=_FLOW, address=here, flows=predicate.flows(), chains=predicate.chains())
