"""What a filter leaves out, FIELD=VALUE by FIELD=VALUE, as a filter of its own."""

import difflib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from unmasq.base.errors import UsageError
from unmasq.model.filter import FlowFilter

_FIELDS = [f.name for f in fields(FlowFilter) if f.name not in ("exclude", "since_us", "until_us")]
_NEXT = "write it like client=10.0.0.1 or status=4xx"


def left_out(exclude: Iterable[str]) -> FlowFilter:
    """The fields and values that are left out; `-` and `_` are the same in names. Raises UsageError."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for text in exclude:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"nothing to leave out: {text!r}", "it is no FIELD=VALUE", _NEXT)
        field = _field(name.strip())
        found[field].append(_port(value) if field == "port" else value)
    known: dict[str, Any] = {name: tuple(values) for name, values in found.items()}
    return FlowFilter(**known)


def _field(name: str) -> str:
    field = name.replace("-", "_")
    if field in _FIELDS:
        return field
    close = difflib.get_close_matches(field, _FIELDS, 1)
    hint = f"did you mean {close[0]}?" if close else "known are " + ", ".join(_FIELDS)
    raise UsageError(f"{name!r} cannot be left out", "no field of a filter is called that, or it is a time", hint)


def _port(value: str) -> int:
    if value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    raise UsageError(f"not a number: {value!r}", "port is one", "write it like port=443")
