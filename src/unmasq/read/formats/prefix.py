"""What stands before the marker: nginx's `combined`, and the `upstreaminfo` of ingress-nginx that begins in the same way.

Its address may have been rewritten by realip, so with a marker behind it it is only a claim.
"""

import re

_STRICT = rb'[^"]*+'  # all of a value that has no escape: what the fast path takes
_LOOSE = rb'(?:[^"\\]|\\.)*+'

KEYS = ("prefix", "time", "method", "uri", "status", "bytes_out", "user_agent")
UPSTREAM_KEYS = ("bytes_in", "service", "upstream")


def _combined(value: bytes, user: bytes) -> bytes:
    return (
        rb"([0-9A-Fa-f.:]++|unix:) - " + user + rb" \[(.{26})\] "
        rb'"(?:([A-Z-]++) ([^" ?]*+)[^" ]*+ HTTP/[0-9.]++|' + value + rb')" (\d{3}) (\d++|-) "' + value + rb'" "(' + value + rb')"'
    )


_TRIES = rb'[^ ,"]++(?:(?:,| :) [^ ,"]++)*+'  # one value for each upstream that nginx tried
_UPSTREAM = rb' (\d++) [\d.]++ \[([^] "]*+)\] \[[^] "]*+\] (' + _TRIES + rb")" + (b" " + _TRIES) * 3 + rb" [0-9A-Fa-f-]++"

STRICT = {
    KEYS: _combined(_STRICT, rb'[^" ]++'),
    KEYS + UPSTREAM_KEYS: _combined(_STRICT, rb'[^" ]++') + _UPSTREAM,
}
"""Keys -> pattern, for lines without a backslash."""

_LINE = re.compile(_combined(_LOOSE, rb"[^\[\n]*?") + rb"(?:" + _UPSTREAM + rb")?")


def read_prefix(text: bytes) -> dict[str, bytes]:
    """What the text before the marker (or a line without one) says; empty where it is none of ours."""
    match = _LINE.match(text)
    if not match:
        return {}
    return {key: value for key, value in zip(KEYS + UPSTREAM_KEYS, match.groups(), strict=True) if value is not None}
