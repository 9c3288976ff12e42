"""The first step of every question about an address: its rows in the index. Only days that have some are looked at further.

The rows go to the temporary table `hits`, which spills to disk if it must; a day's flows and chains are then joined to it
one day after the other, so that no question needs more memory than one day does.
"""

from collections.abc import Sequence

from unmasq.keep.ask.conditions import Bound
from unmasq.keep.ask.sources import View
from unmasq.model.address import Range
from unmasq.model.flowbatch import Role

_HITS = """
CREATE OR REPLACE TEMP TABLE hits AS
SELECT * FROM ({union}) LIMIT {most}
"""
_ROWS = """
SELECT PLACE AS place, r.role, a.hi, a.lo, a.flow, a.chain, a.requests, a.first_us, a.last_us
FROM day.addresses a, (VALUES {roles}) r(role, bit) WHERE {address} AND a.roles & r.bit > 0
"""
_ALL = 1 << 60


def gather(view: View, address: Range, *, roles: Sequence[Role] = tuple(Role), most: int = _ALL) -> list[int]:
    """Fill `hits` with one row a role, at most so many, those of newer days first; returns the places that have any, in order."""
    if not view.sources:
        return []
    asked = Bound()
    wanted = ", ".join(f"({int(role)}::UTINYINT, {role.bit}::UTINYINT)" for role in roles)
    rows = _ROWS.format(address=asked.within("a.hi", "a.lo", [address]), roles=wanted)
    view.ask(_HITS.format(union=view.union(rows), most=most), asked.values)
    return [place for (place,) in view.ask("SELECT DISTINCT place FROM hits ORDER BY place")]
