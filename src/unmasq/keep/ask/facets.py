"""The question `facets`: which values of some fields are most frequent, within a budget of time.

The newest flows are counted first, a day after the other, and a day with very many flows piece by piece, until the time is
up. The first piece is always counted.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from unmasq.base.errors import UsageError
from unmasq.keep.ask import passed
from unmasq.keep.ask.predicate import Predicate, compiled, index_needs
from unmasq.keep.ask.sources import EVERYTHING, View
from unmasq.keep.shapes import COUNTED, Facet, Facets, FacetValue
from unmasq.model.address import to_text
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Evidence, Flag, Join

PIECE = 10_000
"""Flows that are counted without a look at the clock, and no more than one interval beyond it."""

_INTERVALS = """
SELECT f.interval_start_us, count(*) FROM day.flows f WHERE {window} AND f.flow < BELOW GROUP BY 1 ORDER BY 1 DESC
"""
_FLOWS = """
CREATE OR REPLACE TEMP TABLE piece AS SELECT f.* FROM day.flows f
WHERE {flows} AND f.interval_start_us >= $first AND f.interval_start_us < $behind
"""
_CHAINS = """
CREATE OR REPLACE TEMP TABLE piece_chains AS
SELECT c.chain, c.client_hi, c.client_lo, c.evidence, c.flags, c.requests::BIGINT AS requests, p.flow
FROM day.chains c JOIN piece p ON p.flow = c.flow WHERE {chains}
"""
_NOTHING = "CREATE OR REPLACE TEMP TABLE counted (field UTINYINT, hi UBIGINT, lo UBIGINT, value VARCHAR, requests BIGINT)"
_MOST = """
SELECT field, hi, lo, value, sum(requests)::BIGINT AS total FROM counted GROUP BY field, hi, lo, value HAVING total > 0
QUALIFY row_number() OVER (PARTITION BY field ORDER BY total DESC, hi, lo, value) <= $most ORDER BY field, total DESC, hi, lo, value
"""
_ADDRESS = "SELECT {field}, {of}_hi, {of}_lo, NULL, sum(c.requests) FROM {rows} WHERE {of}_hi > 0 OR {of}_lo > 0 GROUP BY ALL"
_NUMBER = "SELECT {field}, ({of})::UBIGINT, 0, NULL, sum(c.requests) FROM {rows} GROUP BY ALL"
_TEXT = """
SELECT {field}, 0, 0, t.value, sum(a.requests) FROM piece_chains c JOIN day.asked a ON a.chain = c.chain
JOIN day.every_text t ON t.text = a.{of} WHERE t.value <> '' GROUP BY ALL
"""
_POD = """
SELECT {field}, 0, 0, split_part(t.value, '/', {of}), sum(c.requests) FROM piece_chains c JOIN piece f ON f.flow = c.flow
JOIN day.every_text t ON t.text = f.pod WHERE contains(t.value, '/') GROUP BY ALL
"""
_FLAG = "SELECT {field}, {of}, 0, NULL, sum(c.requests) FROM {rows} WHERE ((c.flags | (f.flags & {own})) & {of}) > 0"
_ALONE, _WITH_FLOW = "piece_chains c", "piece_chains c JOIN piece f ON f.flow = c.flow"


class _Kind(NamedTuple):
    """How the values of a field are counted, and how one is told."""

    selects: Sequence[str]
    text: Callable[[int, int, str], str]


def _address(of: str, rows: str = _WITH_FLOW) -> _Kind:
    return _Kind([_ADDRESS.format(field="{field}", of=of, rows=rows)], lambda hi, lo, _: to_text(hi, lo))


def _number(of: str, text: Callable[[int], str], rows: str = _WITH_FLOW) -> _Kind:
    return _Kind([_NUMBER.format(field="{field}", of=of, rows=rows)], lambda number, _, __: text(number))


def _text(select: str, of: object) -> _Kind:
    return _Kind([select.format(field="{field}", of=of)], lambda _, __, value: value)


_FLAGS = [_FLAG.format(field="{field}", of=int(flag), rows=_WITH_FLOW, own=int(Flag.APPLICATION_BYTES)) for flag in Flag]
_KINDS = {
    "client": _address("c.client", _ALONE),
    "source": _address("f.source"),
    "nat_source": _address("f.nat"),
    "dest": _address("f.dest"),
    "port": _number("f.dest_port", str),
    "to_namespace": _text(_POD, 1),
    "to_pod": _text(_POD, 2),
    "evidence": _number("c.evidence", lambda number: Evidence(number).label or "none", _ALONE),
    "join": _number('f."join"', lambda number: Join(number).label),
    "flag": _Kind(_FLAGS, lambda number, _, __: Flag(number).labels()[0]),
    "host": _text(_TEXT, "host"),
    "path": _text(_TEXT, "path"),
    "status": _text(_TEXT, "status"),
    "service": _text(_TEXT, "service"),
}
Timer = Callable[[], float]


def facets(
    view: View, wanted: FlowFilter, fields: Sequence[str], limit: int, budget_seconds: float, timer: Timer = time.monotonic
) -> Facets:
    """The facets of the newest flows; `timer` tells the seconds that the budget is measured by. Raises UsageError for other fields."""
    fields = _known(fields)
    predicate, until = compiled(wanted), timer() + budget_seconds
    view.ask(_NOTHING)
    pieces, counted, since_us = _pieces(view, wanted), 0, EVERYTHING
    complete = True
    for number, piece in enumerate(pieces):
        if number and timer() > until:
            complete = False
            break
        flows, oldest_us = _count(view, predicate, fields, piece)
        counted, since_us = counted + flows, min(since_us, oldest_us)
    return Facets(_told(view, fields, limit), counted, complete, since_us if counted else None)


def _known(fields: Sequence[str]) -> list[str]:
    for field in fields:
        if field not in _KINDS:
            raise UsageError(f"no facet of {field!r}", "its values are not counted", "known are " + ", ".join(COUNTED))
    return list(dict.fromkeys(fields))


class _Piece(NamedTuple):
    """Flows of a source whose interval begins in [first_us, behind_us)."""

    place: int
    first_us: int
    behind_us: int


def _pieces(view: View, wanted: FlowFilter) -> Iterator[_Piece]:
    """The pieces of all sources that can hold something, newest first."""
    needs = index_needs(wanted)
    window = compiled(FlowFilter(since_us=wanted.since_us, until_us=wanted.until_us))
    intervals = _INTERVALS.format(window=" AND ".join(window.flow) or "true")
    for place in range(len(view.sources)):
        if not all(view.ask(view.within(place, need), values) for need, values in needs):
            continue
        behind_us, gathered = EVERYTHING, 0
        for start_us, flows in view.ask(view.within(place, intervals), window.values):
            gathered += flows
            if gathered >= PIECE:
                yield _Piece(place, start_us, behind_us)
                behind_us, gathered = start_us, 0
        if gathered:
            yield _Piece(place, -EVERYTHING, behind_us)


def _count(view: View, predicate: Predicate, fields: Sequence[str], piece: _Piece) -> tuple[int, int]:
    """Add a piece to `counted`; returns its flows, and the start of the oldest one."""
    passed.find(view, predicate, [piece.place])
    bounds = {"first": piece.first_us, "behind": piece.behind_us}
    view.ask(view.within(piece.place, _FLOWS.format(flows=predicate.flows())), predicate.values | bounds)
    [(flows, oldest_us)] = view.ask("SELECT count(*), coalesce(min(interval_start_us), $none) FROM piece", {"none": EVERYTHING})
    if flows:
        chains = _CHAINS.format(chains=predicate.chains())
        view.ask(view.within(piece.place, chains), predicate.used(chains))
        selects = [select.format(field=number) for number, field in enumerate(fields) for select in _KINDS[field].selects]
        if selects:
            view.ask(view.within(piece.place, "INSERT INTO counted " + " UNION ALL ".join(selects)))
    return flows, oldest_us


def _told(view: View, fields: Sequence[str], limit: int) -> list[Facet]:
    found: list[list[FacetValue]] = [[] for _ in fields]
    for number, hi, lo, value, requests in view.ask(_MOST, {"most": limit + 1}):
        found[number].append(FacetValue(_KINDS[fields[number]].text(hi, lo, value), requests))
    return [Facet(field, values[:limit], len(values) > limit) for field, values in zip(fields, found, strict=True)]
