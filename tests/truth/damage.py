"""What happens to two lines in a thousand: torn, or written by a client who plays with the log.

Some kinds change what the client sends (`HEADERS`, `prepared`), some the line that was written (`torn`).
"""

import random
from dataclasses import replace

from tests.truth.nginx import MARKER, Request

RAW = ("raw bytes", "repeated key", "second marker")
"""Without any escaping: a client writes into the log."""

KINDS = ("quotes", "controls", "not ascii", "marker in the agent", "no port", *RAW, "cut", "no marker", "blank", "garbage")

HEADERS = {
    "quotes": b'1.1.1.1", "source_ip": "6.6.6.6',
    "controls": b"6.6.6.6\t\x01\x1b[2J\\",
    "not ascii": "6.6.6.6, é\u2028".encode(),
    "raw bytes": b"6.6.6.6, \xff\xfe\x80 }{",
    "repeated key": b'1.1.1.1", "source_ip": "6.6.6.6',
}
"""X-Forwarded-For as the client sends it."""

LIES = ("6.6.6.6", "1.1.1.1")
"""Addresses in HEADERS and in the agent of `prepared`."""

_AGENT = (
    f'{MARKER}{{"source_port": 1, "destination_ip": "10.244.1.10", "destination_port": 80, "source_ip": "6.6.6.6", '
    '"x-forwarded-for": "6.6.6.6", "x-real-ip": "6.6.6.6"}'
)


def prepared(kind: str, request: Request) -> Request:
    """The request with what this kind makes of its variables."""
    if kind == "no port":
        return replace(request, realip_remote_port="")
    return replace(request, user_agent=_AGENT.encode()) if kind in ("marker in the agent", "second marker") else request


def torn(kind: str, line: bytes, rng: random.Random) -> bytes:
    """What is left of the line."""
    if kind == "cut":
        return line[: rng.randrange(1, len(line))]
    if kind == "no marker":
        return line[: line.rindex(MARKER.encode())]
    if kind == "blank":
        return rng.choice([b"", b"  ", b"\t"])
    if kind == "garbage":
        return rng.randbytes(rng.randint(1, 400)).replace(b"\n", b"\x00")
    return line
