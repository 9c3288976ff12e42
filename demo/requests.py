"""Who sends what in the demo, and what must come out of it."""

from typing import NamedTuple

from tests.lab import topology as at

FORGED = (("X-Forwarded-For", "1.1.1.1"), ("X-Real-IP", "2.2.2.2"))


class Visit(NamedTuple):
    """One request, and the truth about it."""

    what: str
    host: str
    to: str
    port: int
    client: str
    join: str
    headers: tuple[tuple[str, str], ...] = ()
    masquerade: bool = False


VISITS = (
    Visit("direct", "c1", at.INGRESS, 80, at.C1, "exact"),
    Visit("direct, IPv6", "c1", at.INGRESS_V6, 80, at.C1_V6, "exact"),
    Visit("forged headers from outside", "c2", at.INGRESS, 80, at.C2, "exact", FORGED),
    Visit("through the trusted proxy", "c1", at.EDGE, 80, at.C1, "exact"),
    Visit("through the trusted proxy, IPv6", "c1", at.EDGE_V6, 80, at.C1_V6, "exact"),
    Visit("forged headers through the trusted proxy", "c2", at.EDGE, 80, at.C2, "exact", FORGED),
    Visit("NodePort with masquerade", "c1", at.NODE, 30080, at.C1, "nat", masquerade=True),
    Visit("NodePort with masquerade, IPv6", "c1", at.NODE_V6, 30080, at.C1_V6, "nat", masquerade=True),
    Visit("forged headers through the masquerade", "c2", at.NODE, 30080, at.C2, "nat", FORGED, masquerade=True),
)
"""While they are sent, 10.0.0.0/8 is wrongly trusted: the node's own address would be believed if the kernel were not asked."""
