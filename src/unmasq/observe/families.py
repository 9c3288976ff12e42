"""Of which address families conntrack tracks connections.

The kernel tracks a family only where a rule of that family looks at connections: one of iptables, or of an nft table `ip`, does
so for IPv4 alone, one of a table `inet` for both. Which families are tracked the kernel tells nobody (only one that was built
to list its hooks would), but its table does: it holds entries of them.
"""

import socket

from unmasq.model.families import IPV4, IPV6
from unmasq.observe import conntrack, namespace, netlink
from unmasq.observe.dump import Dump

_FAMILIES = {IPV4: socket.AF_INET, IPV6: socket.AF_INET6}
BOTH = frozenset(_FAMILIES)


def tracked(space: str | None) -> frozenset[str]:
    """The families of which there are entries now: none in a namespace where nothing happens. Raises KernelError."""
    return frozenset(name for name, family in _FAMILIES.items() if _has_entries(space, family))


def _has_entries(space: str | None, family: int) -> bool:
    with namespace.socket_in(space, conntrack.NETLINK_NETFILTER) as sock:
        answer = iter(Dump(sock, conntrack.dump_request(1, family), "the connection tracking table"))
        first = next(answer)  # the rest of a full table goes with the socket
    return any(message.kind not in (netlink.NLMSG_DONE, netlink.NLMSG_ERROR) for message in netlink.messages(first))
