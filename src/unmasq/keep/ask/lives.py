"""The roll-up of a day by address and role: what a `span` over many days is mostly made of.

It is made when a day closes and made again when the day is judged again, together with that of `hours`, and holds the same flows.
"""

from collections.abc import Sequence
from typing import Any

from unmasq.base.clock import DAY_US
from unmasq.keep.ask.conditions import Bound
from unmasq.keep.ask.sources import View
from unmasq.model.address import Range
from unmasq.model.flowbatch import Role
from unmasq.model.ingress import TimeSource

_IS_INSIDE = f"(f.closed_us > 0 AND f.opened_us // {DAY_US} = f.closed_us // {DAY_US})"
# A connection that began and ended on that day is on no other; the others are listed, so that none is counted twice.
MAKE = f"""
DELETE FROM day.lives;
INSERT INTO day.lives
SELECT a.hi, a.lo, r.role, sum(a.requests)::BIGINT, count(DISTINCT a.flow),
       count(DISTINCT f.connection) FILTER ({_IS_INSIDE}), list(DISTINCT f.connection) FILTER (NOT {_IS_INSIDE}),
       min(a.first_us) FILTER (f.time_source <> {int(TimeSource.READ)}), max(a.last_us)
FROM day.addresses a JOIN day.flows f ON f.flow = a.flow
JOIN (VALUES {", ".join(f"({int(role)}::UTINYINT, {role.bit}::UTINYINT)" for role in Role)}) r(role, bit) ON a.roles & r.bit > 0
GROUP BY a.hi, a.lo, r.role ORDER BY a.hi, a.lo;
"""
_LIVES = "SELECT l.role, l.requests, l.flows, l.inside, l.crossing, l.first_us, l.last_us FROM day.lives l WHERE {address}"

Row = tuple[Any, ...]
"""Role, requests, flows, how many connections were inside, those that were not, first and last time."""


def of_address(view: View, places: Sequence[int], address: Range) -> list[Row]:
    """What the roll-ups of some sources hold of one address."""
    if not places:
        return []
    asked = Bound()
    select = _LIVES.format(address=asked.within("l.hi", "l.lo", [address]))
    return view.ask(" UNION ALL ".join(view.within(place, select) for place in places), asked.values)
