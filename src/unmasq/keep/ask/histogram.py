"""The question `histogram`: requests over time by the evidence of their clients. A chain counts where its first request is."""

from collections import Counter

from unmasq.keep.ask import passed
from unmasq.keep.ask.predicate import compiled
from unmasq.keep.ask.sources import View
from unmasq.keep.protocol import Bucket, Histogram
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Evidence

_OF_SOURCE = """
SELECT c.first_us // {width} AS bucket, c.evidence, sum(c.requests)::BIGINT AS requests
FROM day.chains c {flows} WHERE {where} AND c.first_us >= {since} AND c.first_us < {until} GROUP BY ALL
"""
_JOINED = "JOIN day.flows f ON f.flow = c.flow"


def histogram(view: View, wanted: FlowFilter, width_us: int) -> Histogram:
    """Buckets from the window's beginning to its end, which must both be there."""
    since_us, until_us = wanted.since_us or 0, wanted.until_us or 0
    first, last = since_us // width_us, max(until_us - 1, since_us) // width_us
    found = _found(view, wanted, width_us)
    return Histogram(width_us, [_bucket(at, width_us, found) for at in range(first, last + 1)])


def _found(view: View, wanted: FlowFilter, width_us: int) -> Counter[tuple[int, int]]:
    """Requests by bucket and evidence."""
    predicate = compiled(wanted)
    passed.find(view, predicate, range(len(view.sources)))
    is_plain = FlowFilter(since_us=wanted.since_us, until_us=wanted.until_us) == wanted
    select = _OF_SOURCE.format(
        width=width_us,
        since=wanted.since_us,
        until=wanted.until_us,
        flows="" if is_plain else _JOINED,
        where="c.flow < BELOW" if is_plain else f"{predicate.flows()} AND {predicate.chains()}",
    )
    found: Counter[tuple[int, int]] = Counter()
    for place in range(len(view.sources)):
        for bucket, evidence, requests in view.ask(view.within(place, select), {} if is_plain else predicate.values):
            found[bucket, evidence] += requests
    return found


def _bucket(at: int, width_us: int, found: Counter[tuple[int, int]]) -> Bucket:
    kinds = (Evidence.OBSERVED, Evidence.FORWARDED, Evidence.LOGGED, Evidence.NONE)
    return Bucket(at * width_us, *(found[at, kind] for kind in kinds))
