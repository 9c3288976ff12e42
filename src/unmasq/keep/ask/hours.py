"""The roll-up of a day, its clients by hour, and the part of it that a window takes.

It is made when a day closes and made again when the day is judged again. It holds the flows below the number that `meta`
names: those that came later, and days without a roll-up, are counted from their chains.
"""

from typing import NamedTuple

from unmasq.base.clock import MICROSECONDS
from unmasq.keep.ask.sources import EVERYTHING, View
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Flag, Role
from unmasq.model.ingress import TimeSource

NAME = "hours"
"""In `meta` of a day that has a roll-up: the number of the first flow that is not in it."""

HOUR_US = 3600 * MICROSECONDS
_DAY = 24

# What a chain that sums others counts for one of them, the index says.
CLIENTS = f"""
SELECT c.client_hi AS hi, c.client_lo AS lo, c.flow, c.requests, c.bytes_out, c.evidence, c.first_us, c.last_us
FROM day.chains c WHERE (c.client_hi > 0 OR c.client_lo > 0) AND c.flags & {int(Flag.OTHERS)} = 0 AND {{chains}}
UNION ALL
SELECT a.hi, a.lo, c.flow, a.requests, -1, c.evidence, a.first_us, a.last_us
FROM day.chains c JOIN day.addresses a ON a.chain = c.chain
WHERE a.roles & {Role.CLIENT.bit} > 0 AND c.flags & {int(Flag.OTHERS)} > 0 AND {{chains}}
"""
FIGURES = f"""
sum(r.requests)::BIGINT AS requests, count(DISTINCT r.flow) AS flows,
coalesce(sum(r.bytes_out) FILTER (r.bytes_out >= 0), -1)::BIGINT AS bytes_out, min(r.first_us) AS first_us, max(r.last_us) AS last_us,
bit_or(1::UTINYINT << r.evidence) AS evidence, bool_or(f.time_source <> {int(TimeSource.READ)}) AS timed
"""
"""Of rows `r` as above with their flows `f`: `evidence` is a bit each, `timed` that not all times are read times."""

MAKE = f"""
DELETE FROM day.hours;
INSERT INTO day.hours SELECT f.interval_start_us // {HOUR_US} AS hour, r.hi, r.lo, {FIGURES}
FROM ({CLIENTS.format(chains="true")}) r JOIN day.flows f ON f.flow = r.flow GROUP BY ALL;
DELETE FROM day.meta WHERE name = '{NAME}';
INSERT INTO day.meta SELECT '{NAME}', (coalesce(max(flow), -1) + 1)::VARCHAR FROM day.flows;
"""
PART = """
SELECT hi, lo, sum(requests)::BIGINT AS requests, sum(flows)::BIGINT AS flows,
       coalesce(sum(bytes_out) FILTER (bytes_out >= 0), -1)::BIGINT AS bytes_out, min(first_us) AS first_us, max(last_us) AS last_us,
       bit_or(evidence) AS evidence, bool_or(timed) AS timed
FROM day.hours WHERE hour >= $from_hour AND hour < $to_hour GROUP BY hi, lo
"""
_HELD = f"SELECT max(if(name = '{NAME}', value, NULL))::BIGINT, (SELECT coalesce(max(flow), -1) + 1 FROM day.flows) FROM day.meta"


class Held(NamedTuple):
    """What a roll-up can tell of a window: whole hours, of the flows below a number."""

    from_hour: int
    to_hour: int
    below: int
    is_everything: bool

    def rest(self) -> str:
        """The condition on the flows `f` that it does not hold."""
        first, behind = self.from_hour * HOUR_US, self.to_hour * HOUR_US
        return f"(f.flow >= {self.below} OR f.interval_start_us < {first} OR f.interval_start_us >= {behind})"


def is_whole(view: View, place: int) -> bool:
    """Whether the roll-ups of a source hold all of its flows."""
    [(below, flows)] = view.ask(view.within(place, _HELD))
    return below is not None and bool(below >= flows)


def held(view: View, place: int, wanted: FlowFilter) -> Held | None:
    """What the roll-up of a source holds of a window, None where there is none. A flow lies in the hour of its interval."""
    day = view.sources[place].day
    [(below, flows)] = view.ask(view.within(place, _HELD))
    if day is None or below is None:
        return None
    # An interval may be as long as an hour: the hours at either end of the window are left to the chains.
    first = -EVERYTHING if wanted.since_us is None else wanted.since_us // HOUR_US + 2
    behind = EVERYTHING if wanted.until_us is None else wanted.until_us // HOUR_US - 1
    begin, end = max(first, day * _DAY), min(behind, (day + 1) * _DAY)
    if begin >= end:
        return None
    return Held(begin, end, below, below >= flows and begin == day * _DAY and end == (day + 1) * _DAY)
