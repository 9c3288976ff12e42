"""The question `lifetime`: since when, and until when, an address or range is known. The index alone knows, where lines have times.

Days are asked from both ends, so that of an address that often comes few of them are looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from unmasq.base.clock import DAY_US
from unmasq.keep.ask.completeness import Remembered, figures_of
from unmasq.keep.ask.conditions import Bound
from unmasq.keep.ask.sources import AT_ONCE, SLACK_US, View
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
    search = _Search(view, address, remembered)
    days = sorted((source.day, place) for place, source in enumerate(view.sources) if source.day is not None)
    search.ask([place for place, source in enumerate(view.sources) if source.day is None])
    while days and not search.began_before(days[0][0]):
        days = days[search.ask([place for _, place in days[: search.step]]) :]
    search.step = 1
    while days and not search.ended_after(days[-1][0]):
        days = days[: -search.ask([place for _, place in days[-search.step :]])]
    return Lifetime(search.first_us, search.last_us)


@dataclass
class _Search:
    """What was found so far. `step`: how many sources are asked next; more each time, since that costs less than one by one."""

    view: View
    address: Range
    remembered: Remembered
    first_us: int | None = None
    last_us: int | None = None
    step: int = 1

    def ask(self, places: Sequence[int]) -> int:
        """Add what some sources know; returns how many they were."""
        if places:
            asked = Bound()
            here = asked.within("a.hi", "a.lo", [self.address])
            union = " UNION ALL ".join(self.view.within(place, self._select(place).format(address=here)) for place in places)
            [(first_us, last_us)] = self.view.ask(f"SELECT min(first_us), max(last_us) FROM ({union})", asked.values)
            self.first_us = min((us for us in (self.first_us, first_us) if us is not None), default=None)
            self.last_us = max((us for us in (self.last_us, last_us) if us is not None), default=None)
            self.step = min(2 * self.step, AT_ONCE)
        return len(places)

    def began_before(self, day: int) -> bool:
        """Whether nothing of the day, or of a later one, can be earlier than what was found."""
        return self.first_us is not None and self.first_us < day * DAY_US

    def ended_after(self, day: int) -> bool:
        """Whether nothing of the day, or of an earlier one, can be later than what was found."""
        return self.last_us is not None and self.last_us >= (day + 1) * DAY_US + SLACK_US

    def _select(self, place: int) -> str:
        return _TIMED if figures_of(self.view, place, self.remembered).is_timed else _READ
