"""What a live node says of itself."""

from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.model.address import to_text
from unmasq.model.health import NodeStatus
from unmasq.node.live import LiveNode
from unmasq.observe import switches
from unmasq.observe.feed import CONNTRACK, SOCKETS


def status(node: LiveNode, counters: Counters, started: str, store_error: str | None) -> NodeStatus:
    """The links of a node, as they are now. `started` is the time of its start, RFC 3339."""
    watch = node.watch
    places = node.witness.places if node.witness else []
    kernel = any(place.feed is CONNTRACK for place in places)
    off, (tracked, most) = _kernel(watch.namespace) if kernel else ([], (0, 0))
    return NodeStatus(
        node=watch.node,
        started=started,
        logs=list(watch.logs),
        kernel=kernel,
        namespace=watch.namespace,
        blind=str(node.blind.what) if node.blind else None,
        switches_off=off,
        connections_tracked=tracked,
        connections_most=most,
        listeners=[f"{_shown(one.hi, one.lo)}:{one.port}" for one in node.listeners],
        counters={f"{name}{{{reason}}}" if reason else name: count for name, reason, count in counters.rows()},
        store_error=store_error,
        sockets=[place.space or "" for place in places if place.feed is SOCKETS],
        troubles={place.name: str(error) for place, error in node.witness.troubles.items()} if node.witness else {},
    )


def _kernel(namespace: str | None) -> tuple[list[str], tuple[int, int]]:
    try:
        return switches.state(namespace).off, switches.table_use(namespace)
    except KernelError as error:
        return [error.what], (0, 0)


def _shown(hi: int, lo: int) -> str:
    text = to_text(hi, lo)
    return f"[{text or '::'}]" if ":" in text or not text else text
