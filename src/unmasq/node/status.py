"""What a live node says of itself."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import structs

from unmasq.base.clock import Clock
from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.find.ways import is_blind
from unmasq.model.health import NodeStatus, Shipping
from unmasq.node.live import LiveNode
from unmasq.observe import dataplane, families, switches
from unmasq.observe.feed import CONNTRACK, SOCKETS

if TYPE_CHECKING:
    from unmasq.observe.policy_sync.server import PolicySync

_MOST_TROUBLES = 100


@dataclass(frozen=True)
class Beside:
    """What belongs to a node beside what it watches. `started` is the time of its start, RFC 3339."""

    started: str
    sync: "PolicySync | None" = None
    shipping: Shipping | None = None
    store_error: str | None = None


def status(node: LiveNode, counters: Counters, beside: Beside, clock: Clock) -> NodeStatus:
    """The links of a node, as they are now."""
    watch = node.watch
    places = node.witness.places if node.witness else []
    kernel = any(place.feed is CONNTRACK for place in places)
    off, (tracked, most) = _kernel(watch.namespace) if kernel else ([], (0, 0))
    found = NodeStatus(
        node=watch.node,
        started=beside.started,
        logs=[*watch.logs, *(node.pods.paths if node.pods else []), *(f"syslog on {each.place}" for each in node.receivers)],
        kernel=kernel,
        namespace=watch.namespace,
        blind=str(node.sight.blind.what) if node.sight.blind else None,
        switches_off=off,
        connections_tracked=tracked,
        connections_most=most,
        listeners=[one.text for one in node.listeners],
        counters=counters.told(),
        store_error=beside.store_error,
        sockets=[place.space or "" for place in places if place.feed is SOCKETS],
        troubles={place.name: str(error) for place, error in node.witness.troubles.items()} if node.witness else {},
        pod_sockets=node.sight.pod_sockets,
        pods_missing=dict(node.sight.pods_missing),
        sockets_below=str(beside.sync.prefix) if beside.sync else None,
        collectors=sorted(pod.reporter for pod in beside.sync.pods.values()) if beside.sync else [],
        credentials_refused=beside.sync.troubles[:_MOST_TROUBLES] if beside.sync else [],
        pods_trouble=node.pods.trouble if node.pods else None,
        pods_unmatched=node.pods.unmatched if node.pods else [],
        pods_others=node.pods.others if node.pods else 0,
        shipping=beside.shipping,
        syslog_queue=min((each.queue for each in node.receivers if each.queue is not None), default=None),
    )
    return _looked_into(found, node, clock) if kernel else found


COUNTED = (("lines_read", ""), ("lines_rejected", ""), *(("requests_joined", by) for by in ("conntrack", "nobody", "sockets")))
"""What every node counts, whether it happened or not."""


def measured(node: LiveNode) -> dict[str, float]:
    """How full the kernel's table of connections is, where it is watched."""
    if node.witness is None or all(place.feed is not CONNTRACK for place in node.witness.places):
        return {}
    try:
        used, most = switches.table_use(node.watch.namespace)
    except KernelError:
        return {}
    return {"connections_tracked": used, "connections_most": most}


def _looked_into(found: NodeStatus, node: LiveNode, clock: Clock) -> NodeStatus:
    """The status with what explains that conntrack shows too little, looked for only where it does."""
    space, is_of_no_use = node.watch.namespace, is_blind(found.by_reason("requests_joined"))
    return structs.replace(
        found,
        untracked=_untracked(space) if found.count("requests_missed") else [],
        data_plane=_data_plane(space) if found.switches_off or is_of_no_use else None,
        sockets_found=dataplane.sockets_of(node.listeners, clock) if is_of_no_use else {},
    )


def _data_plane(namespace: str | None) -> str | None:
    """One that is known for bypassing conntrack."""
    try:
        return dataplane.known_by(dataplane.interfaces(namespace))
    except KernelError:
        return None


def _untracked(namespace: str | None) -> list[str]:
    """The family of which conntrack holds nothing, where it holds something of the other and no rule of ours is for both."""
    try:
        tracked = families.BOTH if switches.is_rule_set(namespace) else families.tracked(namespace)
    except KernelError:
        return []
    return sorted(families.BOTH - tracked) if tracked else []


def _kernel(namespace: str | None) -> tuple[list[str], tuple[int, int]]:
    try:
        return switches.state(namespace).off, switches.table_use(namespace)
    except KernelError as error:
        return [error.what], (0, 0)
