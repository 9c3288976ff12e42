"""What stands beside the rows of a page and may come after them: bars over time, and facets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from msgspec import Struct

from unmasq.find.ladder import width_of
from unmasq.keep.protocol import Facets, Histogram
from unmasq.model.filter import FlowFilter
from unmasq.serve.pages.asked import Asked

FIELDS = ("client", "evidence", "source", "to_namespace", "service", "host", "path", "status", "flag", "join")
ROLES = ("client", "source", "nat_source", "claim", "original_source")
_LISTED = 6
_OF_ONE_REQUEST = {"client": ("client", "evidence"), "claim": ("evidence",), "source": ("source",), "nat_source": ("source",)}

Ends = tuple[int, int]


class Counts(Struct, frozen=True):
    """Bars and facets of one filter between two moments, microseconds UTC."""

    since_us: int
    until_us: int
    bars: Histogram
    facets: Facets


def counts(asked: Asked, wanted: FlowFilter, ends: Ends | None, role: str = "") -> Counts | None:
    """Both, for the flows of a filter; None where nothing is kept. What says nothing of an address in that role is left out."""
    if ends is None:
        return None
    within = replace(wanted, since_us=ends[0], until_us=ends[1])
    fields = [name for name in FIELDS if name not in _OF_ONE_REQUEST.get(role, ())]
    return Counts(*ends, asked.backend.histogram(within, width_of(*ends)), asked.backend.facets(within, fields, _LISTED))


def of_role(wanted: FlowFilter, role: str, address: str) -> FlowFilter:
    """The flows of a filter in which an address plays a role, beside whatever else the filter asks of that role."""
    if role not in ROLES:
        return wanted
    more: Mapping[str, Sequence[str]] = {role: (address,)}
    return replace(wanted, **more)
