"""The translations of the lab as nftables rules: NodePorts on the node, the load balancer in the router.

Each text replaces its table in one transaction. Connections that exist keep their translation, also while they
are in TIME_WAIT.
"""

from typing import Literal, get_args

from .topology import INGRESS, INGRESS_V6, NODE, NODE2, NODE2_V6, NODE_PORTS, NODE_V6, VIP, VIP_V6

NodeMode = Literal["local", "cluster", "none"]
"""`local` keeps the client's source, `cluster` masquerades to the pod, `none` has no rule that uses conntrack."""
BalancerMode = Literal["none", "lb-dnat", "lb-snat", "dsr"]
"""What the router does with the VIP: nothing, send it to the NodePort, also hide the client, leave it to the node."""

_TABLE = """\
table inet {name} {{ }}
delete table inet {name}
table inet {name} {{
    chain before {{ type nat hook prerouting priority dstnat; policy accept;
        {before}
    }}
    chain after {{ type nat hook postrouting priority srcnat; policy accept;
        {after}
    }}
}}
"""
_MASQUERADE = "ct status dnat masquerade"
COUNTING = """\
table inet lab_ct { }
delete table inet lab_ct
table inet lab_ct {
    chain forwarded { type filter hook forward priority filter; policy accept; ct state new counter; }
    chain incoming { type filter hook input priority filter; policy accept; ct state new counter; }
}
"""
"""Wakes conntrack, which sleeps until a rule uses it. The input hook is for proxies in the node's own network."""
NOT_COUNTING = "table inet lab_ct { }\ndelete table inet lab_ct\n"


def node_rules(mode: NodeMode) -> str:
    """The node's table: NodePorts, and the VIP for packets that reach the node as they are (direct server return)."""
    _check(mode, NodeMode)
    if mode == "none":
        return "table inet lab_nat { }\ndelete table inet lab_nat\n"
    ports = [rule for outside, inside in NODE_PORTS.items() for rule in _to_pod(NODE, NODE_V6, outside, inside)]
    before = [*ports, *_to_pod(VIP, VIP_V6, 80, 80)]
    return _TABLE.format(name="lab_nat", before="\n        ".join(before), after=_MASQUERADE if mode == "cluster" else "")


def other_node_rules() -> str:
    """The other node's table: its NodePort masquerades, since the pod must answer by way of it."""
    return _TABLE.format(name="lab_nat", before="\n        ".join(_to_pod(NODE2, NODE2_V6, 30080, 80)), after=_MASQUERADE)


def balancer_rules(mode: BalancerMode) -> str:
    """The router's table: the VIP to the NodePort 30080, with or without the client's source."""
    _check(mode, BalancerMode)
    if mode in ("none", "dsr"):
        return "table inet lab_lb { }\ndelete table inet lab_lb\n"
    before = _dnat(VIP, VIP_V6, 80, f"{NODE}:30080", f"[{NODE_V6}]:30080")
    return _TABLE.format(name="lab_lb", before="\n        ".join(before), after=_MASQUERADE if mode == "lb-snat" else "")


def balancer_routes(mode: BalancerMode) -> list[str]:
    """Lines for `ip -batch` in the router: with direct server return the VIP itself is routed to the node.

    The other modes translate before they route, or nobody has the VIP.
    """
    if mode == "dsr":
        return [f"route replace {VIP} via {NODE}", f"route replace {VIP_V6} via {NODE_V6}"]
    return [f"route replace unreachable {VIP}", f"route replace unreachable {VIP_V6}"]


def _to_pod(v4: str, v6: str, outside: int, inside: int) -> list[str]:
    return _dnat(v4, v6, outside, f"{INGRESS}:{inside}", f"[{INGRESS_V6}]:{inside}")


def _dnat(v4: str, v6: str, port: int, to_v4: str, to_v6: str) -> list[str]:
    return [
        f"ip daddr {v4} tcp dport {port} dnat ip to {to_v4}",
        f"ip6 daddr {v6} tcp dport {port} dnat ip6 to {to_v6}",
    ]


def _check(mode: str, allowed: object) -> None:
    if mode not in get_args(allowed):
        raise ValueError(f"no such mode: {mode!r} (one of {', '.join(get_args(allowed))})")
