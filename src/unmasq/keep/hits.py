"""The first step of every question about an address: its rows in the index. Only days that have some are looked at further.

The rows go to the temporary table `hits`, which spills to disk if it must; a day's flows and chains are then joined to it
one day after the other, so that no question needs more memory than one day does.
"""

from collections.abc import Sequence

from unmasq.keep.predicate import Predicate
from unmasq.keep.sources import View
from unmasq.model.address import Range
from unmasq.model.flowbatch import Role

_HITS = """
CREATE OR REPLACE TEMP TABLE hits AS
SELECT * FROM ({union}) LIMIT {most}
"""
_ROWS = """
SELECT PLACE AS place, a.role, a.hi, a.lo, a.flow, a.chain, a.requests, a.first_us, a.last_us
FROM day.addresses a WHERE {address} AND {roles}
"""
_ALL = 1 << 60


def gather(view: View, address: Range, *, roles: Sequence[Role] = tuple(Role), most: int = _ALL) -> list[int]:
    """Fill `hits` with at most so many index rows, those of newer days first; returns the places that have any, in order."""
    if not view.sources:
        return []
    asked = Predicate()
    wanted = " OR ".join(f"a.role = {int(role)}" for role in roles)
    rows = _ROWS.format(address=asked.within("a.hi", "a.lo", [address]), roles="true" if len(roles) == len(Role) else f"({wanted})")
    view.ask(_HITS.format(union=view.union(rows), most=most), asked.values)
    return [place for (place,) in view.ask("SELECT DISTINCT place FROM hits ORDER BY place")]
