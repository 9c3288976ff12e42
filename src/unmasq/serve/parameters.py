"""The parameters of questions, as the description of the API has them: those of a filter are the fields of `FlowFilter`."""

import ast
import inspect
from dataclasses import fields
from functools import cache

from unmasq.model.filter import FlowFilter
from unmasq.serve.endpoint import Parameter
from unmasq.serve.forms import TYPES
from unmasq.serve.kinds import FACET, LENGTH, OF_FILTER, RANGE, ROLE, SWITCH, TIME, number, one_of, text

ADDRESS = Parameter("address", "An address or range, IPv4 or IPv6; its slash may be written as %2F.", RANGE, place="path", required=True)
AFTER = Parameter("after", "`next` of the page before.")
FORM = Parameter("format", "json, jsonl (a line for each row) or csv; otherwise as the Accept header says.", one_of(*TYPES))
QUICK = Parameter("quick", "true: without what is near and beside, which takes as long as all of the rest.", SWITCH)
WIDTH = Parameter(
    "width", "How much time one bucket has: 30s, 5m, 1h, 1d. Otherwise a round one, so that there are about a hundred.", LENGTH
)
FIELD = Parameter("field", "A field whose values are to be counted.", FACET, many=True)
BY = Parameter("by", "A role of addresses: client, source, nat_source, claim or original_source.", ROLE)
NEW = Parameter("new", "true: only those of which nothing is kept from before the window.", SWITCH)
SINCE = Parameter("since", "RFC 3339, or how long ago: 2026-11-24T08:00:00Z, 2d.", TIME)
NAME = Parameter("name", "A name or a range of the list.", required=True)

TIMES = (
    SINCE,
    Parameter("until", "Before this time, RFC 3339 or how long ago.", TIME),
    Parameter("last", "The last 30s, 10m, 2h, 2d or 1w.", LENGTH),
)


@cache
def of_filter() -> tuple[Parameter, ...]:
    """Every field of a filter, with what stands below it in its source."""
    meanings = _meanings()
    lists = [each for each in fields(FlowFilter) if not each.name.endswith("_us")]
    named = [Parameter(each.name, meanings[each.name], OF_FILTER.get(each.name, text()), many=True) for each in lists]
    return (*named, Parameter("x", meanings["exclude"], OF_FILTER["exclude"], many=True), *TIMES)


def limit(most: int) -> Parameter:
    """How many rows an answer may have."""
    return Parameter("limit", "How many at most.", number(1, most))


def _meanings() -> dict[str, str]:
    """The docstring of each field, which Python itself throws away."""
    [made] = ast.parse(inspect.getsource(FlowFilter)).body
    assert isinstance(made, ast.ClassDef)  # noqa: S101  # it is one
    return dict(filter(None, map(_meaning, made.body, made.body[1:])))


def _meaning(field: ast.stmt, text: ast.stmt) -> tuple[str, str] | None:
    match field, text:
        case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(means))):
            return name, means
        case _:
            return None
