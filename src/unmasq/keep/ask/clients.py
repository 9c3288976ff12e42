"""The question `clients`: who in a range was a client."""

from unmasq.keep.ask import passed
from unmasq.keep.ask.hits import gather
from unmasq.keep.ask.predicate import compiled
from unmasq.keep.ask.sources import View
from unmasq.keep.shapes import RangeClient
from unmasq.model.address import Range, to_text
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Role

_OF_DAY = """
SELECT h.hi, h.lo, sum(h.requests)::BIGINT AS requests
FROM hits h JOIN day.flows f ON f.flow = h.flow JOIN day.chains c ON c.chain = h.chain
WHERE h.place = PLACE AND {flows} AND {chains} GROUP BY h.hi, h.lo
"""
_MOST = "SELECT hi, lo, sum(requests)::BIGINT AS total FROM {table} GROUP BY hi, lo ORDER BY total DESC, hi, lo LIMIT $most"


def clients(view: View, address: Range, wanted: FlowFilter, limit: int) -> list[RangeClient]:
    """The clients of a range with their requests, most requests first."""
    predicate = compiled(wanted)
    hits = gather(view, address, roles=[Role.CLIENT])
    if not hits.places:
        return []
    if wanted.is_empty:  # the index knows the requests of each client
        found = view.ask(_MOST.format(table="hits"), {"most": limit})
    else:
        passed.find(view, predicate, hits.places)
        of_day = _OF_DAY.format(flows=predicate.flows(), chains=predicate.chains())
        view.collect("seen", hits.places, of_day, predicate.values, at_once=hits.at_once)
        found = view.ask(_MOST.format(table="seen"), {"most": limit})
    return [RangeClient(to_text(hi, lo), requests) for hi, lo, requests in found]
