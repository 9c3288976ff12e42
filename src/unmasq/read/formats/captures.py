"""Headers that clients and proxies send, and what a line says of those that it may not hold whole (`captured`).

`unmasq.unwind.claims` has the meaning: a header named with 0 bytes is believed for nothing.
"""

from collections.abc import Iterable

SENT = ("x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip")
"""All headers that a proxy can be believed for."""


def untold(headers: Iterable[str]) -> bytes:
    """The note that nobody knows how much of these headers was recorded."""
    return ";".join(f"{header}:0" for header in headers).encode()


UNTOLD = untold(SENT)
"""For a line of HAProxy that does not say how much of which header it captured, and for one of no request: all of it may be cut."""
