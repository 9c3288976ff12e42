"""A whole line that is one JSON object, as the proxies of the JSON family write it: read exactly, and never with an exception.

Header values are the client's to write. A key that repeats, at whatever depth, is how somebody would write keys of their own
into a line, so such an object says nothing.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from unmasq.model.ingress import Reject

OPENING = b"{"
DEEPEST = 8
"""Objects and lists within one another; proxies write four."""


_BYTE = re.compile(r"(?<!\\)((?:\\\\)*)\\u00([89A-Fa-f][0-9A-Fa-f])")
"""How Envoy writes each byte of a value that is no UTF-8; what is goes out as it is."""


class Object(NamedTuple):
    """What a line says: numbers as the bytes that were written, and in texts surrogates for bytes that are no UTF-8."""

    values: Mapping[str, Any]
    reject: Reject


class _RepeatedKey(ValueError):
    """A key stands twice in one object."""


def read_object(line: bytes) -> Object:
    """The object that a line is. Never raises."""
    try:
        value = _DECODER.decode(_with_bytes(line.decode("utf-8", "surrogateescape")))
    except _RepeatedKey:
        return Object({}, Reject.INJECTED)
    except (ValueError, RecursionError):
        return Object({}, Reject.BAD_JSON)
    if not isinstance(value, dict) or _is_deep(value):
        return Object({}, Reject.BAD_JSON)
    return Object(value, Reject.NONE)


def raw(value: object) -> bytes | None:
    """The bytes that a header or variable held, none for an absent one; None for what is no single value."""
    if value is None or value is False:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # an escape made a surrogate that stands for no byte
            return value.encode("utf-8", "backslashreplace")
    return None


def parts(address: bytes) -> tuple[bytes, bytes]:
    """Address and port of `ip:port` or `[ip]:port`; all of it and no port where it is neither."""
    host, colon, port = address.rpartition(b":")
    is_pair = colon and port.isdigit() and (b":" not in host or host.startswith(b"["))
    return (host.strip(b"[]"), port) if is_pair else (address, b"")


def _with_bytes(text: str) -> str:
    """The text with surrogates for escaped bytes. Mostly there are none, and looking for two characters costs nothing."""
    return _BYTE.sub(r"\1\\udc\2", text) if "\\u00" in text else text


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RepeatedKey
    return found


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity are no JSON


def _is_deep(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _within(each)]
        if not level:
            return False
    return True


def _within(value: object) -> Sequence[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=str.encode, parse_int=str.encode, parse_constant=_refuse, strict=False)
