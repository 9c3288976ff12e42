"""What a page says in words beside what every report says: titles, and what a node tells of itself."""

from unmasq.base.clock import MICROSECONDS
from unmasq.base.moments import text
from unmasq.find.answer import Trace
from unmasq.model.address import around, parse_range
from unmasq.serve.pages.address import Address
from unmasq.serve.protocol import NodeHeard
from unmasq.show import words

ABSENT = {
    "empty": "Nothing is kept yet",
    "outside": "Not in this window",
    "filtered": "Hidden by the filter",
    "own": "One of your own, and not seen",
    "never": "Never seen",
}
"""What an absence is called, by its kind."""

_ROLES = {
    "client": " as the client",
    "source": " as the source that the proxy saw",
    "nat_source": " as the source before a translation",
    "claim": " in which headers name it",
    "original_source": " in which headers claim it",
}
_WIDTHS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def rfc3339(us: int | None) -> str:
    """A moment for a form, to the second; the empty text for none."""
    return "" if us is None else text(us // MICROSECONDS * MICROSECONDS).replace(".000000", "")


def window_of(page: Address) -> list[tuple[str, str]]:
    """The window in which an address was found, for the parts of its page; nothing where the query names it already."""
    window = page.window
    if window.last is None or not window.is_over:
        return []
    return [("since", rfc3339(window.since_us)), ("until", rfc3339(window.until_us))]


def of_role(role: str) -> str:
    """Which requests of an address are meant."""
    return _ROLES.get(role, "")


def width(us: int) -> str:
    """1 hour, 30 minutes."""
    seconds = us // 1_000_000
    return next(words.counted(seconds // size, noun) for size, noun in _WIDTHS if seconds >= size and seconds % size == 0)


def neighbourhood(address: str) -> str:
    """The /24 or /64 of an address."""
    return around(parse_range(address)).text


def evidences(trace: Trace) -> list[str]:
    """By which kinds of evidence an address is known, the surest first."""
    kinds = {"direct": trace.direct, "forwarded": trace.forwarded, "logged": trace.logged, "only claimed": trace.claimed}
    return [kind for kind, some in kinds.items() if some]


def forwarders(trace: Trace) -> list[tuple[str, str | None]]:
    """The proxies that name an address as their client, each once."""
    return list(dict.fromkeys((part.proxy, part.name) for part in trace.forwarded))[:5]


def node_says(node: NodeHeard) -> str:
    """What does not go well, in a few words; the empty text where all does, or nothing is said."""
    status = node.status
    if status is None:
        return ""
    shipping = status.shipping
    found = [status.store_error, status.blind, *status.troubles.values(), shipping.trouble if shipping else None]
    dropped = sum(count for name, count in status.counters.items() if "dropped" in name or "lost" in name)
    if shipping and shipping.waiting_batches:
        found.append(f"waiting batches: {words.count(shipping.waiting_batches)}")
    found.append(f"dropped {words.count(dropped)}" if dropped else None)
    return "; ".join(filter(None, found)) or "all well"
