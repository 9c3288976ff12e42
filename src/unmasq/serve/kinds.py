"""What the values of parameters look like, in the words of JSON Schema: as much of it as a schema can say."""

from collections.abc import Mapping
from typing import Any

from unmasq.keep.shapes import COUNTED
from unmasq.model.flowbatch import Evidence, Flag, Join, Role
from unmasq.unwind.trust import HEADERS

Kind = dict[str, Any]


def text(**words: Any) -> Kind:
    """A text, of which the words say more."""
    return {"type": "string", **words}


def one_of(*words: str | None) -> Kind:
    """One of a few words."""
    return text(enum=[word for word in words if word])


def number(least: int = 0, most: int = 999_999_999) -> Kind:
    """A whole number."""
    return {"type": "integer", "minimum": least, "maximum": most}


_LENGTH = "^[0-9]{1,9}(ms|s|m|h|d|w)$"
LENGTH = text(pattern=_LENGTH, examples=["1h"])
TIME = text(anyOf=[{"format": "date-time"}, {"format": "date"}, {"pattern": _LENGTH}], examples=["2026-11-24T08:00:00Z", "2d"])
RANGE = text(
    anyOf=[{"format": "ipv4"}, {"format": "ipv6"}, {"pattern": "^[0-9A-Fa-f:.]+/[0-9]{1,3}$"}],
    examples=["198.51.100.10", "2001:db8::/32"],
)
SWITCH: Kind = {"type": "boolean"}
FACET = one_of(*COUNTED)
ROLE = one_of(*(role.label for role in Role))

OF_FILTER: Mapping[str, Kind] = {
    **dict.fromkeys(("client", "source", "original_source", "claim", "nat_source", "any", "dest", "via"), RANGE),
    "port": number(),
    "evidence": one_of(*(each.label for each in Evidence)),
    "join": one_of(*(each.label for each in Join)),
    "flag": one_of(*(each.labels()[0] for each in Flag)),
    "status": text(examples=["404", "4xx"]),
    "header": one_of(*HEADERS),
    "exclude": text(examples=["path=/healthz", "client=198.51.100.10"]),
}
"""Of the fields of a filter that take no text whatever."""
