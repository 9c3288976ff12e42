"""The links from a node's closed flows to its server: the spool, the server, what is with it. Pure."""

from collections.abc import Iterator

from unmasq.base.servers import advice
from unmasq.find.check import Check, State
from unmasq.model.health import NodeStatus, Shipping
from unmasq.show import words

_MEBIBYTE = 1 << 20
_CONTENT = {"lines": "line", "rejected": "rejected line", "translations": "translation"}


def sending(status: NodeStatus, shipping: Shipping) -> Iterator[Check]:
    """The links in the order in which a flow passes them."""
    yield _spool(status, shipping)
    yield _server(shipping)
    yield _shipped(status, shipping)


def _spool(status: NodeStatus, shipping: Shipping) -> Check:
    if status.store_error:
        next_step = "make room, or give the spool another folder; nothing more is read meanwhile"
        return Check("spool", State.BROKEN, f"flows cannot be put there: {status.store_error}", next_step)
    size = f"{shipping.waiting_bytes / _MEBIBYTE:,.1f} of {shipping.most_bytes // _MEBIBYTE:,} MiB"
    count = shipping.waiting_batches
    waiting = f"{'1 batch waits' if count == 1 else f'{count:,} batches wait'}, {size}"
    reasons = status.by_reason("spool_dropped_batches")
    if not reasons:
        return Check("spool", State.OK, waiting)
    lost = f"{sum(reasons.values()):,} given up ({', '.join(sorted(reasons))})"
    seen = f"{waiting}; {': '.join([lost, *filter(None, [_content(status)])])}"
    return Check("spool", State.WARN, seen, "where it is full, unmasq node --spool-mb gives more room")


def _content(status: NodeStatus) -> str:
    """What was in the batches that were given up."""
    counts = {what: status.count(f"spool_dropped_{name}") for name, what in _CONTENT.items()}
    return ", ".join(words.counted(count, what) for what, count in counts.items() if count)


def _server(shipping: Shipping) -> Check:
    if shipping.trouble:
        next_step = advice(shipping.trouble) or "is unmasq serve up there, and the token one for nodes? What is not sent waits in the spool"
        return Check("server", State.BROKEN, f"{shipping.server}: {shipping.trouble}", next_step)
    return Check("server", State.OK, f"{shipping.server} answers")


def _shipped(status: NodeStatus, shipping: Shipping) -> Check:
    flows, lines = status.count("ship_flows"), status.count("ship_lines")
    seen = f"{words.counted(flows, 'flow')} of {words.counted(lines, 'line')} are with the server"
    if flows or not shipping.waiting_batches:
        return Check("shipped", State.OK, seen)
    return Check("shipped", State.WARN, f"{seen}, {shipping.waiting_batches:,} batches wait", "the link before this one says why")
