"""The ranges that content delivery networks publish, from the text of a file: one a line, or JSON as each publisher has it.

Files that hold more than the machines of the network (all of a cloud, where everybody can rent one) are read for the network's
own part alone, or refused.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from unmasq.base.errors import UsageError
from unmasq.model.address import Range, parse_range

MOST = 5000
_SECTIONS = ("CLOUDFRONT_ORIGIN_FACING", "CLOUDFRONT")
"""Of Amazon's list: whence CloudFront speaks to origins; else all that it has."""
_FRONT_DOOR = "AzureFrontDoor.Backend"
_NEXT = "give the list that the network itself publishes for firewalls of origins, or one range a line"


def ranges_of(text: str) -> list[Range]:
    """The ranges, each once, in the order of the file. Raises UsageError for a file that names none, or far too many."""
    names = _of_json(text) if text.lstrip()[:1] in ("{", "[") else _of_lines(text)
    found = list(dict.fromkeys(parse_range(name) for name in names))
    if not 0 < len(found) <= MOST:
        raise UsageError(f"a list of {len(found):,} ranges", f"a network publishes at least one and at most {MOST:,}", _NEXT)
    return found


def _of_lines(text: str) -> list[str]:
    bare = (re.split("[#;,]", line, maxsplit=1)[0].strip() for line in text.splitlines())
    return [line for line in bare if line]


def _of_json(text: str) -> list[str]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError("the ranges are no JSON", str(error), _NEXT) from None
    if isinstance(told, list):
        return _texts(told)
    for key, read in _SHAPES.items():
        if key in told:
            return read(told)
    raise UsageError("no list of ranges that is known", f"it has the keys {', '.join(sorted(told)[:5])}", _NEXT)


def _amazon(told: Mapping[str, Any]) -> list[str]:
    lists = [told.get(key) for key in ("prefixes", "ipv6_prefixes")]
    rows = [row for each in lists if isinstance(each, list) for row in each if isinstance(row, dict)]
    for section in _SECTIONS:
        names = [row.get("ip_prefix") or row.get("ipv6_prefix") for row in rows if row.get("service") == section]
        if names:
            return _texts(names)
    raise _everybody("a list of a whole cloud, with nothing that is marked as CloudFront's")


def _azure(told: Mapping[str, Any]) -> list[str]:
    for row in told["values"] if isinstance(told["values"], list) else ():
        if isinstance(row, dict) and row.get("name") == _FRONT_DOOR and isinstance(row.get("properties"), dict):
            return _texts(row["properties"].get("addressPrefixes"))
    raise _everybody(f"a list of a whole cloud, without {_FRONT_DOOR}")


def _lists_in(*keys: str) -> Callable[[Mapping[str, Any]], list[str]]:
    """A reader of the plain lists under some keys."""
    return lambda told: [name for key in keys for name in _texts(told.get(key, []))]


def _cloudflare(told: Mapping[str, Any]) -> list[str]:
    return _lists_in("ipv4_cidrs", "ipv6_cidrs")(told["result"] if isinstance(told["result"], dict) else {})


_SHAPES: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "CLOUDFRONT_GLOBAL_IP_LIST": _lists_in("CLOUDFRONT_GLOBAL_IP_LIST", "CLOUDFRONT_REGIONAL_EDGE_IP_LIST"),
    "prefixes": _amazon,
    "values": _azure,
    "result": _cloudflare,
    "addresses": _lists_in("addresses", "ipv6_addresses"),  # Fastly
    "ipRanges": _lists_in("ipRanges", "ipv6Ranges"),  # Imperva
}
"""The key by which a publisher's JSON is known -> what reads it."""


def _texts(names: object) -> list[str]:
    if not isinstance(names, list):
        raise UsageError("no list of ranges that is known", "there is something else where a list should be", _NEXT)
    return list(_each_text(names))


def _each_text(names: list[object]) -> Iterator[str]:
    for name in names:
        if not isinstance(name, str):
            raise UsageError("no list of ranges that is known", f"{str(name)[:40]!r} is no range", _NEXT)
        yield name


def _everybody(what: str) -> UsageError:
    return UsageError(what, "everybody can rent a machine in a cloud, and would name any client", _NEXT)
