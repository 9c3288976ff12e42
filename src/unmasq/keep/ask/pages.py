"""The question `flows`: pages of documents, newest first, by key and not by number."""

from collections.abc import Sequence
from typing import Any

from unmasq.base.clock import DAY_US
from unmasq.base.errors import UsageError
from unmasq.keep.ask import passed
from unmasq.keep.ask.documents import documents
from unmasq.keep.ask.predicate import Predicate, compiled, index_needs
from unmasq.keep.ask.sources import Row, View
from unmasq.keep.shapes import FlowPage
from unmasq.model.filter import FlowFilter

Key = tuple[int, int, int]
"""Interval start, and the id in two halves: no two flows share it, and no flow ever changes it."""

MOST_CHAINS = 20_000
"""Of one page: a flow may have ten thousand, and whoever asks for a hundred such flows gets shorter pages."""

_PAGE = """
SELECT f.*, coalesce(p.value, '') AS pod_text FROM day.flows f LEFT JOIN day.every_text p ON p.text = f.pod WHERE {where}
ORDER BY f.interval_start_us DESC, f.id_hi DESC, f.id_lo DESC LIMIT {limit}
"""


_COUNTS = "SELECT flow, count(*) FROM day.chains WHERE flow IN (SELECT unnest($flows)) GROUP BY flow"


def page(view: View, wanted: FlowFilter, limit: int, after: str | None) -> FlowPage:
    """At most `limit` flows of the filter that come behind the key `after`; fewer where they are very long."""
    predicate = compiled(wanted)
    if after is not None:
        _behind(predicate, _parsed(after))
    found = _newest(view, predicate, index_needs(wanted), limit + 1)
    shown = _bounded(view, found[:limit])
    more = _text(_key(shown[-1][1])) if len(found) > len(shown) else None
    return FlowPage(documents(view, shown), more)


def _newest(view: View, predicate: Predicate, needs: Sequence[tuple[str, dict[str, Any]]], limit: int) -> list[tuple[int, Row]]:
    """Rows of all sources, in the order of their keys; days that cannot add to the page are not asked."""
    found: list[tuple[int, Row]] = []
    for place, source in enumerate(view.sources):
        if source.day is not None and sum(row["interval_start_us"] >= (source.day + 1) * DAY_US for _, row in found) >= limit:
            break
        if not all(view.ask(view.within(place, need), values) for need, values in needs):
            continue  # most days know nothing of most addresses, and the index says so at once
        passed.find(view, predicate, [place])
        question = view.within(place, _PAGE.format(where=predicate.flows(), limit=limit))
        found += [(place, row) for row in view.rows(question, predicate.values)]
    return sorted(found, key=lambda place_row: _key(place_row[1]), reverse=True)[:limit]


def _bounded(view: View, found: list[tuple[int, Row]]) -> list[tuple[int, Row]]:
    """As many of the flows, and at least one, as have MOST_CHAINS chains together. A chain has a request at least."""
    if sum(row["requests"] for _, row in found) <= MOST_CHAINS:
        return found
    counts = _chains(view, found)
    chains = 0
    for count, (place, row) in enumerate(found):
        chains += counts.get((place, row["flow"]), 0)
        if chains > MOST_CHAINS and count:
            return found[:count]
    return found


def _chains(view: View, found: list[tuple[int, Row]]) -> dict[tuple[int, int], int]:
    """How many chains each flow has, by the place of its source and its number there."""
    counts: dict[tuple[int, int], int] = {}
    for place in {place for place, _ in found}:
        flows = [row["flow"] for each, row in found if each == place]
        asked = view.ask(view.within(place, _COUNTS), {"flows": flows})
        counts |= {(place, flow): chains for flow, chains in asked}
    return counts


def _behind(predicate: Predicate, key: Key) -> None:
    start, hi, lo = map(predicate.bind, key)
    predicate.flow.append(
        f"(f.interval_start_us < {start} OR f.interval_start_us = {start} AND (f.id_hi < {hi} OR f.id_hi = {hi} AND f.id_lo < {lo}))"
    )


def _key(row: Row) -> Key:
    return row["interval_start_us"], row["id_hi"], row["id_lo"]


def _text(key: Key) -> str:
    return "{}-{:x}-{:x}".format(*key)


def _parsed(text: str) -> Key:
    try:
        start, hi, lo = text.split("-")
        return int(start), int(hi, 16), int(lo, 16)
    except ValueError:
        raise UsageError(f"not a key of a page: {text!r}", "keys come from the answer before", "ask for the first page again") from None
