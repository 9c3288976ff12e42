"""The question `same_agent`: who else came with the user agents of a client."""

from collections.abc import Sequence
from dataclasses import replace

from unmasq.keep.ask.hits import gather
from unmasq.keep.ask.sources import Source, View
from unmasq.keep.shapes import SameAgent
from unmasq.model.address import Range
from unmasq.model.flowbatch import Flag, Role

MOST_AGENTS = 3

# What a chain that sums others asked for is not what this client asked for.
_AGENTS = f"""
SELECT t.value, sum(a.requests) AS requests
FROM hits h JOIN day.chains c ON c.chain = h.chain AND c.flags & {int(Flag.OTHERS)} = 0
JOIN day.asked a ON a.chain = h.chain JOIN day.every_text t ON t.text = a.user_agent
WHERE h.place = PLACE AND t.value NOT IN ('', '-') GROUP BY t.value
"""
_MOST = f"SELECT value FROM ({{union}}) GROUP BY value ORDER BY sum(requests) DESC, value LIMIT {MOST_AGENTS}"
_SENDERS = """
SELECT c.client_hi, c.client_lo FROM day.chains c
WHERE (c.client_hi > 0 OR c.client_lo > 0) AND c.flow < BELOW AND c.chain IN (
  SELECT a.chain FROM day.asked a WHERE a.user_agent IN (SELECT t.text FROM day.every_text t WHERE list_contains($agents, t.value)))
"""
_OTHERS = """
SELECT count(*) FROM (
  SELECT DISTINCT client_hi, client_lo FROM ({union}) WHERE NOT (client_hi = $hi AND client_lo = $lo) LIMIT $limit)
"""


def same_agent(view: View, address: Range, limit: int) -> SameAgent:
    """The user agents that a client sent most on its newest day, and how many others sent one of them then, at most `limit`."""
    places = gather(view, address, roles=[Role.CLIENT]).places
    if not places:
        return SameAgent([], 0)
    lately = replace(view, sources=_day_of(view.sources, places[0]))
    gather(lately, address, roles=[Role.CLIENT])
    agents = [value for (value,) in view.ask(_MOST.format(union=lately.union(_AGENTS)))]
    hi, lo = address.first
    asked = {"hi": hi, "lo": lo, "agents": agents, "limit": limit}
    [(others,)] = view.ask(_OTHERS.format(union=lately.union(_SENDERS)), asked)
    return SameAgent(agents, others)


def _day_of(sources: Sequence[Source], place: int) -> Sequence[Source]:
    """One day's file; what is not in a file yet goes with the newest."""
    if sources[place].day is not None:
        return [sources[place]]
    live = [source for source in sources if source.day is None]
    return [*live, *sources[len(live) : len(live) + 1]]
