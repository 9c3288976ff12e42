"""The question `facets`: what the newest flows of a filter have in common, as many of them as a budget of time lets be counted."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from unmasq.base.errors import UsageError
from unmasq.keep.ask import passed
from unmasq.keep.ask.predicate import Predicate, compiled
from unmasq.keep.ask.sources import View
from unmasq.keep.protocol import Facet, Facets, FacetValue
from unmasq.model.address import to_text
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Evidence, Flag, Join

SLICE = 50_000
"""Flows that are counted before the time is looked at: numbers of one source, whether they match or not."""

MOST_VALUES = 2000
"""Of one field in one slice; rarer ones of a slice are not counted in it."""

_PICKED = """
CREATE OR REPLACE TEMP TABLE picked AS
SELECT f.flow, c.chain, c.requests, c.client_hi, c.client_lo, c.evidence, c.flags | f.flags AS flags, f.source_hi, f.source_lo,
       f.dest_hi, f.dest_lo, f.dest_port, f."join", f.pod
FROM day.flows f JOIN day.chains c ON c.flow = f.flow
WHERE f.flow >= {first} AND f.flow < {last} AND {flows} AND {chains}
"""
_ADDRESS = "SELECT {name}_hi, {name}_lo, sum(requests)::BIGINT AS n FROM picked WHERE {name}_hi > 0 OR {name}_lo > 0 GROUP BY ALL"
_NUMBER = 'SELECT "{name}", sum(requests)::BIGINT AS n FROM picked GROUP BY ALL'
_ASKED = """
SELECT t.value, s.n FROM (
  SELECT a.{name} AS text, sum(a.requests)::BIGINT AS n FROM picked p JOIN day.asked a ON a.chain = p.chain
  GROUP BY ALL ORDER BY n DESC LIMIT {most}
) s JOIN day.texts t ON t.text = s.text WHERE t.value <> ''
"""
_POD = """
SELECT split_part(t.value, '/', {part}), sum(p.requests)::BIGINT AS n
FROM picked p JOIN day.texts t ON t.text = p.pod WHERE contains(t.value, '/') GROUP BY ALL
"""
_COUNTED = "SELECT count(DISTINCT flow) FROM picked"
_OLDEST = "SELECT min(interval_start_us) FROM day.flows WHERE flow IN (SELECT min(flow) FROM picked)"
_LAST = "SELECT least(coalesce(max(flow) + 1, 0), BELOW) FROM day.flows"


class _Field(NamedTuple):
    """How the values of a field are counted, and how a row of that is read."""

    select: str
    texts: Any


def _address(name: str) -> _Field:
    return _Field(_ADDRESS.format(name=name), lambda hi, lo: [to_text(hi, lo)])


def _asked(name: str) -> _Field:
    return _Field(_ASKED.format(name=name, most=MOST_VALUES), lambda text: [text])


FIELDS = {
    "client": _address("client"),
    "source": _address("source"),
    "dest": _address("dest"),
    "port": _Field(_NUMBER.format(name="dest_port"), lambda port: [str(port)]),
    "evidence": _Field(_NUMBER.format(name="evidence"), lambda kind: [Evidence(kind).label] if kind else []),
    "join": _Field(_NUMBER.format(name="join"), lambda kind: [Join(kind).label]),
    "flag": _Field(_NUMBER.format(name="flags"), lambda flags: Flag(flags).labels()),
    "to_namespace": _Field(_POD.format(part=1), lambda text: [text]),
    "to_pod": _Field(_POD.format(part=2), lambda text: [text]),
    "host": _asked("host"),
    "path": _asked("path"),
    "status": _asked("status"),
    "service": _asked("service"),
}
"""Fields of a filter whose values can be counted."""


def facets(view: View, wanted: FlowFilter, names: Sequence[str], limit: int, budget_seconds: float) -> Facets:
    """The values with most requests. Raises UsageError for a field that has none to count."""
    for name in names:
        if name not in FIELDS:
            raise UsageError(f"no values of {name!r} can be counted", "facets are of a few fields", ", ".join(FIELDS))
    predicate, tally = compiled(wanted), {name: dict[str, int]() for name in names}
    passed.find(view, predicate, range(len(view.sources)))
    deadline, counted, since_us, is_complete = time.monotonic() + budget_seconds, 0, None, True
    for place, first, last in _slices(view):
        if counted and time.monotonic() > deadline:
            is_complete = False
            break
        oldest = _count(view, place, (first, last), predicate, tally)
        counted += oldest[0]
        since_us = oldest[1] if oldest[1] is not None else since_us
    return Facets([_facet(name, tally[name], limit) for name in names], counted, is_complete, since_us)


def _slices(view: View) -> Iterator[tuple[int, int, int]]:
    """Source by source, the newest flows first: numbers are given in the order of arrival."""
    for place in range(len(view.sources)):
        [(end,)] = view.ask(view.within(place, _LAST))
        for last in range(end, 0, -SLICE):
            yield place, max(0, last - SLICE), last


def _count(
    view: View, place: int, numbers: tuple[int, int], predicate: Predicate, tally: dict[str, dict[str, int]]
) -> tuple[int, int | None]:
    """How many flows of a slice match, and from when the oldest is."""
    select = _PICKED.format(first=numbers[0], last=numbers[1], flows=predicate.flows(), chains=predicate.chains())
    view.ask(view.within(place, select), predicate.values)
    [(counted,)] = view.ask(_COUNTED)
    if not counted:
        return 0, None
    for name, found in tally.items():
        field = FIELDS[name]
        for *key, requests in view.ask(view.within(place, field.select)):
            for text in field.texts(*key):
                found[text] = found.get(text, 0) + requests
    [(oldest,)] = view.ask(view.within(place, _OLDEST))
    return counted, oldest


def _facet(name: str, found: dict[str, int], limit: int) -> Facet:
    most = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return Facet(name, [FacetValue(text, requests) for text, requests in most[:limit]], len(most) > limit)
