"""What stands beside the rows of a page and may come after them: bars over time, and facets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from unmasq.base.errors import UsageError
from unmasq.base.moments import parse
from unmasq.keep.shapes import Facets, Histogram
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter
from unmasq.serve.contract import InvalidRequest
from unmasq.serve.pages.asked import Asked
from unmasq.serve.pages.links import about

FIELDS = ("client", "evidence", "source", "to_namespace", "service", "host", "path", "status", "flag", "join")
ROLES = ("client", "source", "nat_source", "claim", "original_source")
WITH_COUNTS = ("/", "/flows")
PARTS = ("bars", "facets")
_LISTED = 6
_OF_ONE_REQUEST = {"client": ("client", "evidence"), "claim": ("evidence",), "source": ("source",), "nat_source": ("source",)}

Ends = tuple[int, int]


class Counts(Struct, frozen=True):
    """Bars and facets of one filter between two moments, microseconds UTC; null is what was not asked for."""

    since_us: int
    until_us: int
    bars: Histogram | None
    facets: Facets | None


def counts(asked: Asked, wanted: FlowFilter, ends: Ends | None, role: str = "", parts: Sequence[str] = PARTS) -> Counts | None:
    """Those of a filter; None where nothing is kept. What says nothing of an address in that role is left out."""
    if ends is None:
        return None
    within = replace(wanted, since_us=ends[0], until_us=ends[1])
    fields = [name for name in FIELDS if name not in _OF_ONE_REQUEST.get(role, ())]
    return Counts(
        *ends,
        asked.backend.histogram(within) if "bars" in parts else None,
        asked.backend.facets(within, fields, _LISTED) if "facets" in parts else None,
    )


def of_role(wanted: FlowFilter, role: str, address: str) -> FlowFilter:
    """The flows of a filter in which an address plays a role, beside whatever else the filter asks of that role."""
    if role not in ROLES:
        return wanted
    more: dict[str, Any] = {role: (address,)}
    return replace(wanted, **more)


class Beside(Struct, frozen=True):
    """The counts that a page left out: `path` is the page, `role` what its address is in the flows that are counted."""

    path: str
    role: str
    counts: Counts | None


def beside(asked: Asked) -> Beside:
    """What `/counts` answers. Raises UsageError for a page that has none, or times that are none."""
    path, role = asked.said("of", "/"), asked.said("role")
    of = path.removeprefix(about("")) if path.startswith(about("")) else ""
    if not of and path not in WITH_COUNTS:
        raise InvalidRequest(UsageError(f"no page with counts: {path!r}", "they stand beside flows", "ask for /flows"), "query.of")
    wanted, window = asked.filtered()
    if of and role:
        wanted = of_role(wanted, role, parse_range(unquote(of)).text)
    since_us, until_us = _moment(asked, "from"), _moment(asked, "to")
    ends = asked.ends(window) if since_us is None or until_us is None else (since_us, until_us)
    return Beside(path, role, counts(asked, wanted, ends, role, [asked.said("part")] if asked.said("part") in PARTS else PARTS))


def _moment(asked: Asked, name: str) -> int | None:
    """A moment that the query names, microseconds UTC. Raises InvalidRequest."""
    try:
        return parse(said, asked.now_us) if (said := asked.said(name)) else None
    except UsageError as error:
        raise InvalidRequest(error, f"query.{name}") from None
