"""The question `top`: who had most requests in a role, and who of them is new."""

from dataclasses import replace

from unmasq.base.errors import UsageError
from unmasq.keep.ask import passed
from unmasq.keep.ask.hours import CLIENTS, FIGURES, PART, held
from unmasq.keep.ask.newness import mark_older
from unmasq.keep.ask.predicate import Predicate, compiled
from unmasq.keep.ask.sources import Row, View, days_within
from unmasq.keep.shapes import Ranked, Top
from unmasq.model.address import to_text
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Evidence, Role

_NAMED = """
SELECT a.hi, a.lo, c.flow, a.requests, c.bytes_out, c.evidence, a.first_us, a.last_us
FROM day.addresses a JOIN day.chains c ON c.chain = a.chain WHERE a.roles & {bit} > 0 AND {chains}
"""
# A flow without chains came as well, though without requests.
_ENDS = """
SELECT f.{name}_hi AS hi, f.{name}_lo AS lo, f.flow, coalesce(c.requests, 0) AS requests, coalesce(c.bytes_out, -1) AS bytes_out,
       coalesce(c.evidence, 0) AS evidence, coalesce(c.first_us, f.first_us) AS first_us, coalesce(c.last_us, f.last_us) AS last_us
FROM day.flows f LEFT JOIN day.chains c ON c.flow = f.flow
WHERE (f.{name}_hi > 0 OR f.{name}_lo > 0) AND (c.chain IS NULL OR {chains})
"""
_ENDS_OF = {Role.SOURCE: "source", Role.NAT_SOURCE: "nat"}
_OF_SOURCE = f"SELECT r.hi, r.lo, {FIGURES} FROM ({{rows}}) r JOIN day.flows f ON f.flow = r.flow WHERE {{flows}} GROUP BY r.hi, r.lo"
_NOTHING = """
CREATE OR REPLACE TEMP TABLE parts
(hi UBIGINT, lo UBIGINT, requests BIGINT, flows BIGINT, bytes_out BIGINT, first_us BIGINT, last_us BIGINT, evidence UTINYINT, timed BOOLEAN)
"""
_TOTALS = """
CREATE OR REPLACE TEMP TABLE ranked AS
SELECT hi, lo, sum(requests)::BIGINT AS requests, sum(flows)::BIGINT AS flows, sum(bytes_out) FILTER (bytes_out >= 0)::BIGINT AS bytes_out,
       min(first_us) AS first_us, max(last_us) AS last_us, bit_or(evidence) AS evidence, bool_or(timed) AS timed
FROM parts GROUP BY hi, lo
"""
_ONLY_NEW = "DELETE FROM ranked WHERE NOT timed OR (hi, lo) IN (SELECT (hi, lo) FROM older)"
_COUNT = "SELECT count(*), coalesce(sum(requests), 0)::BIGINT FROM ranked"
_MOST = "CREATE OR REPLACE TEMP TABLE shown AS SELECT * FROM ranked ORDER BY requests DESC, hi, lo LIMIT $limit"
_TOLD = """
SELECT hi, lo, requests, flows, bytes_out, first_us, last_us, evidence, timed AND (hi, lo) NOT IN (SELECT (hi, lo) FROM older) AS is_new
FROM shown ORDER BY requests DESC, hi, lo
"""


def top(view: View, wanted: FlowFilter, by: str, limit: int, *, only_new: bool) -> Top:
    """The addresses with most requests; the view must also hold what was before the window.

    Raises UsageError for what is no role, and for new ones of a window without a beginning.
    """
    role = _role(by)
    if only_new and wanted.since_us is None:
        raise UsageError("new since when?", "an address is new that was not there before the window", "say when that begins")
    _gather(view, wanted, role)
    view.ask(_TOTALS)
    if only_new:
        mark_older(view, wanted, role, "ranked")
        view.ask(_ONLY_NEW)
    [(addresses, requests)] = view.ask(_COUNT)
    view.ask(_MOST, {"limit": limit})
    if not only_new:
        mark_older(view, wanted, role, "shown")
    return Top(by, [_ranked(row, has_before=wanted.since_us is not None) for row in view.rows(_TOLD)], addresses, requests)


def _role(by: str) -> Role:
    try:
        return Role[by.upper().replace("-", "_")]
    except KeyError:
        raise UsageError(f"no ranking by {by!r}", "addresses have one of these roles", ", ".join(role.label for role in Role)) from None


def _gather(view: View, wanted: FlowFilter, role: Role) -> None:
    """Fill `parts`, source by source, with the addresses of each."""
    predicate = compiled(wanted)
    is_window = role == Role.CLIENT and replace(wanted, since_us=None, until_us=None).is_empty
    view.ask(_NOTHING)
    for place in _places(view, wanted):
        passed.find(view, predicate, [place])
        rolled = held(view, place, wanted) if is_window else None
        if rolled:
            hours = {"from_hour": rolled.from_hour, "to_hour": rolled.to_hour}
            view.ask(f"INSERT INTO parts {view.within(place, PART)}", hours)
        if rolled is None or not rolled.is_everything:
            select = _select(predicate, role, "true" if rolled is None else rolled.rest())
            view.ask(f"INSERT INTO parts {view.within(place, select)}", predicate.values)


def _places(view: View, wanted: FlowFilter) -> list[int]:
    """The sources that can hold flows of the window."""
    days = days_within([source.day for source in view.sources if source.day is not None], wanted)
    return [place for place, source in enumerate(view.sources) if source.day is None or source.day in days]


def _select(predicate: Predicate, role: Role, rest: str) -> str:
    if role in _ENDS_OF:
        rows = _ENDS.format(name=_ENDS_OF[role], chains=predicate.chains())
    elif role == Role.CLIENT:
        rows = CLIENTS.format(chains=predicate.chains())
    else:
        rows = _NAMED.format(bit=role.bit, chains=predicate.chains())
    return _OF_SOURCE.format(rows=rows, flows=f"{predicate.flows()} AND {rest}")


def _ranked(row: Row, *, has_before: bool) -> Ranked:
    kinds = [str(kind.label) for kind in Evidence if kind and row["evidence"] >> kind & 1]
    figures = {name: row[name] for name in ("requests", "flows", "bytes_out", "first_us", "last_us")}
    return Ranked(ip=to_text(row["hi"], row["lo"]), evidence=kinds, is_new=row["is_new"] and has_before, **figures)
