"""Requests to a proxy whose client is known, directly and through the balancer before it (`gateways.Balancer`)."""

from typing import NamedTuple

from . import topology as at
from .client import Response
from .cluster import Lab

FORGED = (
    ("X-Forwarded-For", "6.6.6.6"),
    ("X-Real-IP", "6.6.6.7"),
    ("Forwarded", "for=6.6.6.8"),
    ("CF-Connecting-IP", "6.6.6.9"),
    ("True-Client-IP", "6.6.6.10"),
)


class Way(NamedTuple):
    """A request and who is behind it; `beyond` is added to the proxy's port, on the edge."""

    name: str
    host: str
    to: str
    beyond: int
    client: str
    headers: tuple[tuple[str, str], ...] = ()
    path: str = "/"
    before: bytes = b""
    """What is sent on the connection before the request."""

    def ask(self, lab: Lab, port: int, more: str = "") -> Response:
        """Send it to the proxy at a port, `more` behind its path."""
        with lab.connect(self.host, self.to, port + self.beyond) as connection:
            connection.send(self.before)
            return connection.request(self.path + more, self.headers)


DIRECT = (
    Way("direct", "c1", at.INGRESS, 0, at.C1),
    Way("direct, another", "c2", at.INGRESS, 0, at.C2),
    Way("direct, v6", "c1", at.INGRESS_V6, 0, at.C1_V6),
    Way("direct, v6, another", "c2", at.INGRESS_V6, 0, at.C2_V6),
)
PROXIED = (
    Way("edge", "c1", at.EDGE, 100, at.C1),
    Way("edge, v6 client", "c1", at.EDGE_V6, 100, at.C1_V6),
    Way("edge, v6 leg", "c2", at.EDGE, 100, at.C2, (), "/six"),
    Way("edge, v6 client and leg", "c2", at.EDGE_V6, 100, at.C2_V6, (), "/six"),
    Way("two proxies, a line each", "edge", at.INGRESS, 0, at.C1, (("X-Forwarded-For", at.C1), ("X-Forwarded-For", at.EDGE_V6))),
)
FORGING = (
    Way("direct, forged", "c1", at.INGRESS, 0, at.C1, FORGED),
    Way("direct, v6, forged", "c2", at.INGRESS_V6, 0, at.C2_V6, FORGED),
    Way("edge, forged", "c2", at.EDGE, 100, at.C2, FORGED[:1]),
    Way("edge, v6 leg, forged", "c1", at.EDGE, 100, at.C1, FORGED[:1], "/six"),
)
WAYS = (*DIRECT, *PROXIED, *FORGING)
BEHIND_L4 = (
    Way("PROXY v2", "c1", at.EDGE, 200, at.C1),
    Way("PROXY v1", "c2", at.EDGE, 300, at.C2),
    Way("PROXY v2, v6", "c1", at.EDGE_V6, 200, at.C1_V6),
    Way("PROXY v1, v6", "c2", at.EDGE_V6, 300, at.C2_V6),
)
"""To a port at which the proxy takes PROXY protocol."""
STRANGER = Way("a stranger's PROXY header", "c1", at.INGRESS, 0, at.C1, before=b"PROXY TCP4 8.8.8.8 9.9.9.9 1111 2222\r\n")
