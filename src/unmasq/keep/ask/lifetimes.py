"""The question `lifetime`: since when, and until when, an address or range is known. The index alone knows, where lines have times."""

from unmasq.keep.ask.completeness import Remembered, figures_of
from unmasq.keep.ask.conditions import Bound
from unmasq.keep.ask.sources import View
from unmasq.keep.shapes import Lifetime
from unmasq.model.address import Range
from unmasq.model.ingress import TimeSource

_TIMED = "SELECT min(a.first_us) AS first_us, max(a.last_us) AS last_us FROM day.addresses a WHERE {address} AND a.flow < BELOW"
_READ = f"""
SELECT min(a.first_us) FILTER (f.time_source <> {int(TimeSource.READ)}) AS first_us, max(a.last_us) AS last_us
FROM day.addresses a JOIN day.flows f ON f.flow = a.flow WHERE {{address}} AND a.flow < BELOW
"""


def lifetime(view: View, address: Range, remembered: Remembered) -> Lifetime:
    """First and last time, in whatever role; the first one leaves out times that are only read times."""
    if not view.sources:
        return Lifetime(None, None)
    asked = Bound()
    here = asked.within("a.hi", "a.lo", [address])
    selects = [
        view.within(place, (_TIMED if figures_of(view, place, remembered).is_timed else _READ).format(address=here))
        for place in range(len(view.sources))
    ]
    union = " UNION ALL ".join(selects)
    [found] = view.ask(f"SELECT min(first_us), max(last_us) FROM ({union})", asked.values)
    return Lifetime(*found)
