"""The question `histogram`: requests over time, by the evidence of their clients."""

from collections import Counter
from dataclasses import replace

from unmasq.base.errors import UsageError
from unmasq.keep.ask import passed
from unmasq.keep.ask.predicate import Predicate, compiled
from unmasq.keep.ask.sources import View
from unmasq.keep.shapes import Bucket, Histogram
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Evidence

MOST_BUCKETS = 2000

# A chain counts at its first request; where that lies in the window, its flow does.
_OF_SOURCE = """
SELECT c.first_us // $width AS bucket, c.evidence, sum(c.requests)::BIGINT
FROM day.chains c WHERE c.first_us >= $since AND c.first_us < $until AND {wanted} GROUP BY ALL
"""


def histogram(view: View, wanted: FlowFilter, width_us: int) -> Histogram:
    """Buckets from that of the window's first moment to that of its last. Raises UsageError for no window, and for too many."""
    first, count = _window(wanted, width_us)
    predicate = compiled(replace(wanted, since_us=None, until_us=None))
    select = _OF_SOURCE.format(wanted=_condition(predicate))
    values = predicate.values | {"width": width_us, "since": wanted.since_us, "until": wanted.until_us}
    found: Counter[tuple[int, int]] = Counter()
    for place in range(len(view.sources)):
        passed.find(view, predicate, [place])
        for bucket, evidence, requests in view.ask(view.within(place, select), values):
            found[bucket, evidence] += requests
    return Histogram(width_us, [_bucket(number, width_us, found) for number in range(first, first + count)])


def _window(wanted: FlowFilter, width_us: int) -> tuple[int, int]:
    """The number of the first bucket, and how many there are."""
    if wanted.since_us is None or wanted.until_us is None:
        raise UsageError("a histogram of which time?", "it needs a beginning and an end", "give since and until")
    if width_us < 1:
        raise UsageError(f"no width of a bucket: {width_us}", "it is a length of time", "write it like 1m or 1h")
    first = wanted.since_us // width_us
    count = max(0, -(-wanted.until_us // width_us) - first)
    if count > MOST_BUCKETS:
        raise UsageError(f"{count} buckets", f"a histogram has at most {MOST_BUCKETS}", "ask for wider ones, or for a shorter time")
    return first, count


def _condition(predicate: Predicate) -> str:
    """The filter on a chain `c`; most filters say nothing of its flow."""
    if not (predicate.flow or predicate.of_either):
        return f"c.flow < BELOW AND {predicate.chains()}"
    return f"c.flow IN (SELECT f.flow FROM day.flows f WHERE {predicate.flows()}) AND {predicate.chains()}"


def _bucket(number: int, width_us: int, found: Counter[tuple[int, int]]) -> Bucket:
    counts = {kind: found[number, int(kind)] for kind in Evidence}
    return Bucket(number * width_us, counts[Evidence.OBSERVED], counts[Evidence.FORWARDED], counts[Evidence.LOGGED], counts[Evidence.NONE])
