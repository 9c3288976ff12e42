"""The question `span`: what an address, or a range, was, one row a role."""

from collections.abc import Sequence
from dataclasses import replace

from unmasq.keep.ask import lives, passed
from unmasq.keep.ask.completeness import Remembered, figures_of
from unmasq.keep.ask.hits import gather
from unmasq.keep.ask.predicate import Predicate, compiled
from unmasq.keep.ask.sources import View
from unmasq.keep.shapes import RoleSpan
from unmasq.model.address import Range
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Role
from unmasq.model.ingress import TimeSource

_TOTALS = f"""
SELECT role, sum(requests)::BIGINT, count(DISTINCT connection), count(DISTINCT flow),
       min(first_us) FILTER (time_source <> {int(TimeSource.READ)}), max(last_us)
FROM seen GROUP BY role ORDER BY role
"""
_FLOW = "h.role, PLACE::BIGINT << 48 | f.flow AS flow, f.connection, f.time_source"
_SINGLE = """
SELECT {flow}, h.requests, h.first_us, h.last_us
FROM hits h JOIN day.flows f ON f.flow = h.flow
WHERE h.place = PLACE AND {flows}
"""
# A chain that names two addresses of the range counts once, and one that sums others at most as often as it has requests.
_RANGE = """
SELECT {flow}, least(sum(h.requests), c.requests) AS requests, min(h.first_us) AS first_us, max(h.last_us) AS last_us
FROM hits h JOIN day.flows f ON f.flow = h.flow LEFT JOIN day.chains c ON c.chain = h.chain
WHERE h.place = PLACE AND {flows}
GROUP BY h.role, f.flow, f.connection, f.time_source, h.chain, c.requests
"""
# Where the filter speaks of chains, only requests of such chains count, also for what the address was to the whole flow.
_MATCHING = """
SELECT {flow}, if(h.chain < 0, c.requests, least(sum(h.requests), c.requests)) AS requests,
       min(greatest(h.first_us, c.first_us)) AS first_us, max(least(h.last_us, c.last_us)) AS last_us
FROM hits h JOIN day.flows f ON f.flow = h.flow JOIN day.chains c ON c.flow = h.flow AND (h.chain = c.chain OR h.chain < 0)
WHERE h.place = PLACE AND {flows} AND {chains}
GROUP BY h.role, f.flow, f.connection, f.time_source, h.chain, c.chain, c.requests
UNION ALL
SELECT {flow}, h.requests, h.first_us, h.last_us
FROM hits h JOIN day.flows f ON f.flow = h.flow
WHERE h.place = PLACE AND {flows} AND f.requests = 0
"""


# As a roll-up has it, of what no roll-up holds.
_REST = f"""
SELECT role, sum(requests)::BIGINT, count(DISTINCT flow), 0, list(DISTINCT connection),
       min(first_us) FILTER (time_source <> {int(TimeSource.READ)}), max(last_us)
FROM seen GROUP BY role
"""


def spans(view: View, address: Range, wanted: FlowFilter, remembered: Remembered) -> list[RoleSpan]:
    """Requests, connections and times by role."""
    if wanted.is_empty and address.is_single and (rolled := _rolled(view, remembered)):
        rest = replace(view, sources=[source for place, source in enumerate(view.sources) if place not in rolled])
        return _together([*lives.of_address(view, rolled, address), *(rest.ask(_REST) if _seen(rest, address, wanted) else [])])
    if not _seen(view, address, wanted):
        return []
    return [RoleSpan(Role(role).label, *figures) for role, *figures in view.ask(_TOTALS)]


def _rolled(view: View, remembered: Remembered) -> list[int]:
    """The places of days that have a roll-up."""
    return [place for place in range(len(view.sources)) if figures_of(view, place, remembered).is_rolled]


def _together(rows: Sequence[lives.Row]) -> list[RoleSpan]:
    """The rows of each role as one."""
    return [_of_role(role, [row for row in rows if row[0] == role]) for role in sorted({row[0] for row in rows})]


def _of_role(role: int, rows: Sequence[lives.Row]) -> RoleSpan:
    crossing = set[int]().union(*(row[4] or () for row in rows))
    return RoleSpan(
        role=Role(role).label,
        requests=sum(row[1] for row in rows),
        connections=sum(row[3] for row in rows) + len(crossing),
        flows=sum(row[2] for row in rows),
        first_us=min((row[5] for row in rows if row[5] is not None), default=None),
        last_us=max(row[6] for row in rows),
    )


def _seen(view: View, address: Range, wanted: FlowFilter) -> bool:
    """Fill `seen` with what flows of the filter had to do with the address; whether there are any hits."""
    predicate = compiled(wanted)
    hits = gather(view, address)
    if not hits.places:
        return False
    passed.find(view, predicate, hits.places)
    view.collect("seen", hits.places, _select(predicate, address), predicate.values, at_once=hits.at_once)
    return True


def _select(predicate: Predicate, address: Range) -> str:
    select = _MATCHING if predicate.speaks_of_chains else _SINGLE if address.is_single else _RANGE
    return select.format(flow=_FLOW, flows=predicate.flows(), chains=predicate.chains())
