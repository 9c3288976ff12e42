"""The question `clients`: who in a range was a client."""

from unmasq.keep.predicate import compiled
from unmasq.keep.protocol import RangeClient
from unmasq.keep.sources import View
from unmasq.model.address import Range, to_text
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Role

_HITS = f"""
SELECT a.hi, a.lo, a.requests
FROM day.addresses a JOIN day.flows f ON f.flow = a.flow JOIN day.chains c ON c.chain = a.chain
WHERE a.role = {int(Role.CLIENT)} AND {{address}} AND {{flows}} AND {{chains}}
"""
_MOST = """
SELECT hi, lo, sum(requests)::BIGINT AS requests FROM ({hits}) GROUP BY hi, lo ORDER BY requests DESC, hi, lo LIMIT $most
"""


def clients(view: View, address: Range, wanted: FlowFilter, limit: int) -> list[RangeClient]:
    """The clients of a range with their requests, most requests first."""
    if not view.sources:
        return []
    predicate = compiled(wanted)
    where = predicate.within("a.hi", "a.lo", [address])
    hits = _HITS.format(address=where, flows=predicate.flows(), chains=predicate.chains())
    rows = view.ask(_MOST.format(hits=view.union(hits)), predicate.values | {"most": limit})
    return [RangeClient(to_text(hi, lo), requests) for hi, lo, requests in rows]
