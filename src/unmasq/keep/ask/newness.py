"""Which addresses were there before a window."""

from unmasq.base.clock import DAY_US
from unmasq.keep.ask.hours import held
from unmasq.keep.ask.sources import View
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Role

_NOTHING = "CREATE OR REPLACE TEMP TABLE older (hi UBIGINT, lo UBIGINT)"
_INDEX = """
SELECT DISTINCT a.hi, a.lo FROM day.addresses a SEMI JOIN {among} m ON m.hi = a.hi AND m.lo = a.lo
WHERE a.roles & {bit} > 0 AND a.flow < BELOW AND a.first_us < $since
"""
_HOURS = "SELECT DISTINCT h.hi, h.lo FROM day.hours h SEMI JOIN {among} m ON m.hi = h.hi AND m.lo = h.lo WHERE h.first_us < $since"
_EVER = FlowFilter()


def mark_older(view: View, wanted: FlowFilter, role: Role, among: str) -> None:
    """Fill `older` with those of the addresses in a table that had the role before the window began."""
    view.ask(_NOTHING)
    since_us = wanted.since_us
    if since_us is None:
        return
    for place, source in enumerate(view.sources):
        if source.day is not None and source.day * DAY_US >= since_us:
            continue
        rolled = held(view, place, _EVER) if role == Role.CLIENT else None
        select = _HOURS if rolled and rolled.is_everything else _INDEX
        view.ask(f"INSERT INTO older {view.within(place, select.format(among=among, bit=role.bit))}", {"since": since_us})
