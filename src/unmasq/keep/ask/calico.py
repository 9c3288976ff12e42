"""What Calico's flow logs say of an address that is no pod, and the old fields of the removed feature."""

import ipaddress
import re
from collections.abc import Iterable

from unmasq.model.address import NONE, to_text
from unmasq.unwind.claims import elements, header_values, named

NOT_KNOWN = "-"
LISTED = 50
"""Original sources in a document; their number is exact. Calico's FlowLogsMaxOriginalIPsIncluded."""

_PRIVATE = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # that Kubernetes makes names of
_GENERATED = re.compile(rf"(.+)-(?:[{_LETTERS}]{{5}}|[0-9]{{1,4}})")
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6", 132: "sctp"}


def aggregate_name(hi: int, lo: int) -> str:
    """`pvt` for private addresses, `pub` for others, `-` for none."""
    if (hi, lo) == NONE:
        return NOT_KNOWN
    address = ipaddress.ip_address(to_text(hi, lo))
    return "pvt" if any(address.version == n.version and address in n for n in _PRIVATE) else "pub"


def pod_prefix(name: str) -> str:
    """`shop-web-*` for `shop-web-7d5f8c9b4-x2x9k`: what the pods of one set have in common; a name of its own stays.

    Calico takes it from the pod's `generateName`, which a log's path does not tell: here it is what Kubernetes would have added.
    """
    match = _GENERATED.fullmatch(name)
    return f"{match[1]}-*" if match else name


def protocol_name(number: int) -> str:
    """`tcp`, `udp`, ..., or the number."""
    return _PROTOCOLS.get(number, str(number))


def original_sources(texts: Iterable[str]) -> list[str]:
    """The distinct addresses that header texts claim by Calico's rule, in their order, at most LISTED."""
    found: dict[str, None] = {}
    for text in texts:
        pair = _original_source(text)
        if pair is not None:
            found[to_text(*pair)] = None
        if len(found) == LISTED:
            break
    return list(found)


def _original_source(text: str) -> tuple[int, int] | None:
    """X-Real-IP if it is an address, else the left-most of X-Forwarded-For."""
    values = header_values(text)
    for name in ("x-real-ip", "x-forwarded-for"):
        claimed = elements(name, values.get(name, ""))
        pair = named(name, claimed[0]) if claimed else None
        if pair is not None:
            return pair
    return None
