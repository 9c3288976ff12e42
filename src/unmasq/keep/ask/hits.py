"""The first step of every question about an address: its rows in the index. Only days that have some are looked at further.

The rows go to the temporary table `hits`, which spills to disk if it must; a day's flows and chains are then joined to it,
of few rows for some days at once, else one day after the other, so that no question needs more memory than one day does.
"""

from collections.abc import Sequence
from typing import NamedTuple

from unmasq.keep.ask.conditions import Bound
from unmasq.keep.ask.sources import AT_ONCE, View
from unmasq.model.address import Range
from unmasq.model.flowbatch import Role

_HITS = """
CREATE OR REPLACE TEMP TABLE hits AS
SELECT a.place, r.role, a.hi, a.lo, a.flow, a.chain, a.requests, a.first_us, a.last_us
FROM ({union}) a, (VALUES {roles}) r(role, bit) WHERE a.roles & r.bit > 0 LIMIT {most}
"""
_ROWS = """
SELECT PLACE AS place, a.hi, a.lo, a.roles, a.flow, a.chain, a.requests, a.first_us, a.last_us
FROM day.addresses a WHERE {address} AND a.roles & {roles} > 0 AND a.flow < BELOW
"""
_PLACES = "SELECT place, count(*) FROM hits GROUP BY place ORDER BY place"
_ALL = 1 << 60
_FEW = 20_000


class Hits(NamedTuple):
    """The places that have any, in order, and how many of these may be asked at once: planning a question costs more than few rows."""

    places: list[int]
    at_once: int


def gather(view: View, address: Range, *, roles: Sequence[Role] = tuple(Role), most: int = _ALL) -> Hits:
    """Fill `hits` with one row a role, at most so many, those of newer days first; or leave it, where it has them already."""
    key = tuple(view.sources), address, tuple(roles)
    counts = view.gathered.get(key)
    if counts is None or sum(counts.values()) > most:
        view.gathered.clear()
        counts = _filled(view, address, roles, most) if view.sources else {}
        if sum(counts.values()) < most:  # all there are, so that another question may have them
            view.gathered[key] = counts
    return Hits(list(counts), AT_ONCE if sum(counts.values()) <= _FEW else 1)


def _filled(view: View, address: Range, roles: Sequence[Role], most: int) -> dict[int, int]:
    """The number of rows by place."""
    asked = Bound()
    mask = sum(role.bit for role in roles)
    rows = _ROWS.format(address=asked.within("a.hi", "a.lo", [address]), roles=mask)
    wanted = ", ".join(f"({int(role)}::UTINYINT, {role.bit}::UTINYINT)" for role in roles)
    view.ask(_HITS.format(union=view.union(rows), roles=wanted, most=most), asked.values)
    return dict(view.ask(_PLACES))
