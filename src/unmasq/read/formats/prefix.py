"""What stands before the marker: nginx's `combined`, and the `upstreaminfo` of ingress-nginx that begins in the same way.

Its address may have been rewritten by realip, so with a marker behind it it is only a claim.
"""

import re
from collections.abc import Mapping

from unmasq.model.ingress import Shape
from unmasq.read.formats.steps import all_but, literal, only

KEYS = ("prefix", "time", "method", "uri", "status", "bytes_out", "user_agent")
UPSTREAM_KEYS = ("bytes_in", "service", "upstream")


_HEX_DIGITS = b"0123456789ABCDEFabcdef"
_DIGITS = b"0123456789"
_METHOD = bytes(range(ord("A"), ord("Z") + 1)) + b"-"
_NO_SEPARATOR = b' ,"'

_COMBINED = (
    only("prefix", _HEX_DIGITS + b".:"),
    literal(b" - "),
    all_but(None, b'" ', least=1),
    literal(b" ["),
    all_but("time", b"", least=26, most=26),
    literal(b'] "'),
    only("method", _METHOD),
    literal(b" "),
    all_but("uri", b' "?'),
    all_but(None, b' "'),
    literal(b" HTTP/"),
    only(None, _DIGITS + b"."),
    literal(b'" '),
    only("status", _DIGITS, least=3, most=3),
    literal(b" "),
    only("bytes_out", _DIGITS),
    literal(b' "'),
    all_but(None, b'"'),
    literal(b'" "'),
    all_but("user_agent", b'"'),
    literal(b'"'),
)
_UPSTREAM = (
    literal(b" "),
    only("bytes_in", _DIGITS),
    literal(b" "),
    only(None, _DIGITS + b"."),
    literal(b" ["),
    all_but("service", b'" ]'),
    literal(b"] ["),
    all_but(None, b'" ]'),
    literal(b"] "),
    all_but("upstream", _NO_SEPARATOR, least=1),
    *(literal(b" "), all_but(None, _NO_SEPARATOR, least=1)) * 3,
    literal(b" "),
    only(None, _HEX_DIGITS + b"-"),
)

STEPS = {Shape.COMBINED: _COMBINED, Shape.UPSTREAMINFO: _COMBINED + _UPSTREAM}
"""Both forms as the fast path takes them: a request that is one, one upstream, no escape. The rest is read the plain way."""

_VALUE = rb'(?:[^"\\]|\\.)*+'
_TRIES = rb'[^ ,"]++(?:(?:,| :) [^ ,"]++)*+'  # one value for each upstream that nginx tried
_LINE = re.compile(
    rb"([0-9A-Fa-f.:]++|unix:) - [^\[\n]*? \[(.{26})\] "
    rb'"(?:([A-Z-]++) ([^" ?]*+)[^" ]*+ HTTP/[0-9.]++|' + _VALUE + rb')" (\d{3}) (\d++|-) "' + _VALUE + rb'" "(' + _VALUE + rb')"'
    rb'(?: (\d++) [\d.]++ \[([^] "]*+)\] \[[^] "]*+\] (' + _TRIES + rb")" + (b" " + _TRIES) * 3 + rb" [0-9A-Fa-f-]++)?"
)


def read_prefix(text: bytes) -> dict[str, bytes]:
    """What the text before the marker (or a line without one) says; empty where it is none of ours."""
    match = _LINE.match(text)
    if not match:
        return {}
    return {key: value for key, value in zip(KEYS + UPSTREAM_KEYS, match.groups(), strict=True) if value is not None}


def shape_of(fields: Mapping[str, bytes]) -> Shape:
    """Which of the two forms gave these fields."""
    return Shape.UPSTREAMINFO if UPSTREAM_KEYS[-1] in fields else Shape.COMBINED


def is_whole(line: bytes) -> bool:
    """Whether a line is such a prefix and nothing else."""
    return _LINE.fullmatch(line) is not None
