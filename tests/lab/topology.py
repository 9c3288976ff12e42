"""Who is where: hosts, addresses, links and routes of the lab, as data.

::

    c1 198.51.100.10  2001:db8:1::10 -+                                        +- ingress 10.244.1.10  2001:db8:f1::10
    c2 198.51.100.11  2001:db8:1::11 -+- router -- 10.0.0.2  2001:db8:a::2 node +
    edge 203.0.113.20 2001:db8:2::20 -+            NodePorts 30080, 30081      +- backend 10.244.2.5   2001:db8:f2::5
                                    VIP 203.0.113.100  2001:db8:2::100
                                      |
                                      +-- 10.0.1.2  2001:db8:b::2 node2, NodePort 30080: to the ingress on the other node

Both clients are in one /24 and hang on the router by links of their own, as a provider connects customers (a bridge
would pass nothing in its first second). Each owns a pool of further sources.
"""

from typing import NamedTuple

C1, C1_V6 = "198.51.100.10", "2001:db8:1::10"
C2, C2_V6 = "198.51.100.11", "2001:db8:1::11"
EDGE, EDGE_V6 = "203.0.113.20", "2001:db8:2::20"
VIP, VIP_V6 = "203.0.113.100", "2001:db8:2::100"
ROUTER, ROUTER_V6 = "10.0.0.1", "2001:db8:a::1"
NODE, NODE_V6 = "10.0.0.2", "2001:db8:a::2"
NODE2, NODE2_V6 = "10.0.1.2", "2001:db8:b::2"
INGRESS, INGRESS_V6 = "10.244.1.10", "2001:db8:f1::10"
GATEWAY, GATEWAY_V6 = "10.244.1.1", "2001:db8:f1::1"
"""The node's own end of the ingress pod's link: what the proxy sees of a masqueraded client."""
BACKEND, BACKEND_V6 = "10.244.2.5", "2001:db8:f2::5"

NODE_PORTS = {30080: 80, 30081: 8081}
"""Port on the node -> port in the ingress pod."""

SETTINGS = {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1}
"""For the hosts that forward. Before the routes: switching it on may flush IPv6 routes that are there."""
FORWARDING = ("router", "node", "node2")
AT_ONCE = "net.ipv6.conf.default.accept_dad"
"""Set to 0 before the links are made: a link's own IPv6 address would else be mute for its first second."""

POOLS = {"c1": ("198.18.0.0/16", "2001:db8:c1::/64"), "c2": ("198.19.0.0/16", "2001:db8:c2::/64")}
"""Ranges of which a client may use every address as its source without configuring it."""

HOSTS = ("c1", "c2", "edge", "router", "node", "node2", "ingress", "backend")


CLIENT_GATEWAY = ("198.51.100.1/32", "2001:db8:1::1/128")
"""Addresses of the router on the link of each client."""
TO_CLIENT_GATEWAY = (
    "198.51.100.1 dev eth0",
    "default via 198.51.100.1",
    "2001:db8:1::1 dev eth0",
    "default via 2001:db8:1::1",
)


class Link(NamedTuple):
    """One veth: `eth0` of a host and the end named after the host at `above`. Addresses with their masks."""

    host: str
    addresses: tuple[str, ...]
    above: str
    above_addresses: tuple[str, ...]


LINKS = (
    Link("c1", (f"{C1}/32", f"{C1_V6}/128"), "router", CLIENT_GATEWAY),
    Link("c2", (f"{C2}/32", f"{C2_V6}/128"), "router", CLIENT_GATEWAY),
    Link("edge", (f"{EDGE}/24", f"{EDGE_V6}/64"), "router", ("203.0.113.1/24", "2001:db8:2::1/64")),
    Link("node", (f"{NODE}/24", f"{NODE_V6}/64"), "router", (f"{ROUTER}/24", f"{ROUTER_V6}/64")),
    Link("node2", (f"{NODE2}/24", f"{NODE2_V6}/64"), "router", ("10.0.1.1/24", "2001:db8:b::1/64")),
    Link("ingress", (f"{INGRESS}/24", f"{INGRESS_V6}/64"), "node", (f"{GATEWAY}/24", f"{GATEWAY_V6}/64")),
    Link("backend", (f"{BACKEND}/24", f"{BACKEND_V6}/64"), "node", ("10.244.2.1/24", "2001:db8:f2::1/64")),
)
ROUTES = {
    "c1": TO_CLIENT_GATEWAY,
    "c2": TO_CLIENT_GATEWAY,
    "edge": ("default via 203.0.113.1", "default via 2001:db8:2::1"),
    "node": (f"default via {ROUTER}", f"default via {ROUTER_V6}"),
    "node2": ("default via 10.0.1.1", "default via 2001:db8:b::1"),
    "ingress": (f"default via {GATEWAY}", f"default via {GATEWAY_V6}"),
    "backend": ("default via 10.244.2.1", "default via 2001:db8:f2::1"),
    "router": (
        f"{C1} dev c1",
        f"{C2} dev c2",
        f"{C1_V6} dev c1",
        f"{C2_V6} dev c2",
        f"10.244.0.0/16 via {NODE}",
        f"2001:db8:f1::/64 via {NODE_V6}",
        f"2001:db8:f2::/64 via {NODE_V6}",
        f"{POOLS['c1'][0]} via {C1}",
        f"{POOLS['c1'][1]} via {C1_V6}",
        f"{POOLS['c2'][0]} via {C2}",
        f"{POOLS['c2'][1]} via {C2_V6}",
    ),
}


def naming() -> list[str]:
    """Lines for `ip -batch`, `{HOST}` standing for a host's namespace: the namespaces."""
    return [f"netns add {{{host}}}" for host in HOSTS]


def wiring() -> list[str]:
    """Lines like those: the veths. Each end is born inside its namespace, so none ever shows in the machine's own."""
    return [f"link add {link.host} netns {{{link.above}}} type veth peer name eth0 netns {{{link.host}}}" for link in LINKS]


def addressing(host: str) -> list[str]:
    """Lines for `ip -batch` inside a host: links up, addresses on them. `nodad`: IPv6 addresses work at once."""
    lines = ["link set lo up"]
    for link in LINKS:
        if link.host == host:
            lines += _on("eth0", link.addresses)
        if link.above == host:
            lines += _on(link.host, link.above_addresses)
    return lines


def routing(host: str) -> list[str]:
    """Lines for `ip -batch` inside a host: its routes, and for a client the pool that it answers for."""
    pool = [f"route add local {network} dev lo" for network in POOLS.get(host, ())]
    return [*pool, *(f"route add {route}" for route in ROUTES[host])]


def _on(device: str, addresses: tuple[str, ...]) -> list[str]:
    flags = {address: " nodad" if ":" in address else "" for address in addresses}
    return [*(f"addr add {a} dev {device}{flag}" for a, flag in flags.items()), f"link set {device} up"]
