"""Which addresses were there before a window."""

from unmasq.base.clock import DAY_US
from unmasq.keep.ask.hours import held
from unmasq.keep.ask.sources import View
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Role

_BEGIN = """
CREATE OR REPLACE TEMP TABLE older (hi UBIGINT, lo UBIGINT);
CREATE OR REPLACE TEMP TABLE unmet AS SELECT DISTINCT hi, lo FROM {among};
"""
_INDEX = """
SELECT DISTINCT a.hi, a.lo FROM day.addresses a SEMI JOIN unmet u ON u.hi = a.hi AND u.lo = a.lo
WHERE a.roles & {bit} > 0 AND a.flow < BELOW AND a.first_us < $since
"""
_HOURS = "SELECT DISTINCT h.hi, h.lo FROM day.hours h SEMI JOIN unmet u ON u.hi = h.hi AND u.lo = h.lo WHERE h.first_us < $since"
_MET = "CREATE OR REPLACE TEMP TABLE unmet AS SELECT u.* FROM unmet u ANTI JOIN older o ON o.hi = u.hi AND o.lo = u.lo"
_IS_LEFT = "SELECT 1 FROM unmet LIMIT 1"
_EVER = FlowFilter()


def mark_older(view: View, wanted: FlowFilter, role: Role, among: str) -> None:
    """Fill `older` with those of the addresses in a table that had the role before the window began.

    Days are asked from new to old, and each only for who was not met yet: mostly that was the day before.
    """
    view.ask(_BEGIN.format(among=among))
    since_us = wanted.since_us
    if since_us is None:
        return
    for place, source in enumerate(view.sources):
        if source.day is not None and source.day * DAY_US >= since_us:
            continue
        if not view.ask(_IS_LEFT):
            break
        rolled = held(view, place, _EVER) if role == Role.CLIENT else None
        select = _HOURS if rolled and rolled.is_everything else _INDEX.format(bit=role.bit)
        view.ask(f"INSERT INTO older {view.within(place, select)}", {"since": since_us})
        view.ask(_MET)
