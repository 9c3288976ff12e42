"""The question `top`: who had most requests in one role, and who of them was never seen before."""

from unmasq.base.errors import UsageError
from unmasq.keep.ask import passed
from unmasq.keep.ask.predicate import compiled
from unmasq.keep.ask.sources import Row, View
from unmasq.keep.protocol import Ranked, Top
from unmasq.model.address import to_text
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Evidence, Role

BY = ("client", "source", "nat_source", "claim", "original_source")
"""Whom to rank, as a filter calls them."""

_COLUMNS = {"client": "c.client_hi, c.client_lo", "source": "f.source_hi, f.source_lo", "nat_source": "f.nat_hi, f.nat_lo"}
_OF_SOURCE = """
SELECT {hi} AS hi, {lo} AS lo, sum(c.requests)::BIGINT AS requests, count(DISTINCT f.flow)::BIGINT AS flows,
       sum(c.bytes_out) FILTER (c.bytes_out >= 0)::BIGINT AS bytes_out, min(c.first_us) AS first_us, max(c.last_us) AS last_us,
       bit_or(1::UTINYINT << c.evidence) AS kinds
FROM day.chains c JOIN day.flows f ON f.flow = c.flow {named} WHERE {flows} AND {chains} AND ({hi} > 0 OR {lo} > 0) GROUP BY ALL
"""
_NAMED = "JOIN day.addresses a ON a.chain = c.chain AND a.roles & {bit} > 0"
_MERGED = """
CREATE OR REPLACE TEMP TABLE ranked AS
SELECT hi, lo, sum(requests)::BIGINT AS requests, sum(flows)::BIGINT AS flows, sum(bytes_out)::BIGINT AS bytes_out,
       min(first_us) AS first_us, max(last_us) AS last_us, bit_or(kinds) AS kinds, false AS is_old
FROM parts GROUP BY hi, lo
"""
_OLD = """
UPDATE ranked SET is_old = true FROM (
  SELECT DISTINCT a.hi, a.lo FROM day.addresses a SEMI JOIN ranked r ON r.hi = a.hi AND r.lo = a.lo
  WHERE a.flow < BELOW AND a.first_us < {since}) old
WHERE ranked.hi = old.hi AND ranked.lo = old.lo AND NOT is_old
"""
_FEW = "DELETE FROM ranked WHERE (hi, lo) NOT IN (SELECT (hi, lo) FROM ranked ORDER BY requests DESC, hi, lo LIMIT {limit})"
_TOTALS = "SELECT count(*), coalesce(sum(requests), 0)::BIGINT FROM ranked WHERE NOT is_old OR NOT {only_new}"
_MOST = """
SELECT hi, lo, requests, flows, bytes_out, first_us, last_us, kinds, NOT is_old AS is_new
FROM ranked WHERE NOT is_old OR NOT {only_new} ORDER BY requests DESC, hi, lo LIMIT {limit}
"""


def top(view: View, earlier: View, wanted: FlowFilter, by: str, limit: int, *, only_new: bool) -> Top:
    """The first `limit`. `earlier` are the sources that hold what came before the window. Raises UsageError for no role."""
    if by not in BY:
        raise UsageError(f"no addresses are called {by!r}", "they are ranked by their role", ", ".join(BY))
    if not view.sources:
        return Top(by, [], 0, 0)
    _gather(view, wanted, by)
    addresses, requests = 0, 0
    if not only_new:
        [(addresses, requests)] = view.ask(_TOTALS.format(only_new=False))
        view.ask(_FEW.format(limit=limit))
    _mark_old(earlier, wanted)
    if only_new:
        [(addresses, requests)] = view.ask(_TOTALS.format(only_new=True))
    return Top(by, list(map(_ranked, view.rows(_MOST.format(only_new=only_new, limit=limit)))), addresses, requests)


def _gather(view: View, wanted: FlowFilter, by: str) -> None:
    predicate = compiled(wanted)
    passed.find(view, predicate, range(len(view.sources)))
    hi, lo = _COLUMNS.get(by, "a.hi, a.lo").split(", ")
    named = "" if by in _COLUMNS else _NAMED.format(bit=Role[by.upper()].bit)
    select = _OF_SOURCE.format(hi=hi, lo=lo, named=named, flows=predicate.flows(), chains=predicate.chains())
    view.collect("parts", range(len(view.sources)), select, predicate.values)
    view.ask(_MERGED)


def _mark_old(earlier: View, wanted: FlowFilter) -> None:
    """Without a beginning nothing is new."""
    if wanted.since_us is None:
        earlier.ask("UPDATE ranked SET is_old = true")
        return
    for place in range(len(earlier.sources)):
        earlier.ask(earlier.within(place, _OLD.format(since=wanted.since_us)))


def _ranked(row: Row) -> Ranked:
    kinds = row.pop("kinds")
    evidence = [kind.label or "" for kind in Evidence if kind and kinds & 1 << kind]
    return Ranked(to_text(row.pop("hi"), row.pop("lo")), **row, evidence=evidence)
