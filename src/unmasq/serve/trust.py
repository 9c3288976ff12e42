"""The trust list as it is asked for and changed from outside, with what speaks against an entry."""

from collections.abc import Sequence

from unmasq.base.clock import Clock
from unmasq.base.errors import UsageError
from unmasq.keep.control.state import Control
from unmasq.model.address import Range, parse_range
from unmasq.serve.protocol import NodeRanges, Trusted, TrustedProxy, TrustVersion
from unmasq.unwind.trust import TrustEntry, entry

_ALL = {4: 8, 6: 16}
"""Whatever is wider holds the clients themselves."""
_WIDEST = {4: 16, 6: 32}
_PRIVATE = [parse_range(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")]


class TrustDesk:
    """Answers and changes the list of one store. `node_ranges`: where nodes are known to be now."""

    def __init__(self, control: Control, clock: Clock, node_ranges: NodeRanges = tuple) -> None:
        self._control, self._clock, self._node_ranges = control, clock, node_ranges

    def trust(self) -> Trusted:
        current = self._control.trust_list()
        return Trusted(current.version, [TrustedProxy(e.name, e.range.text, e.header) for e in current.entries])

    def trust_versions(self) -> list[TrustVersion]:
        return [TrustVersion(each.version, each.made_us, each.change) for each in self._control.trust_history()]

    def trust_add(self, proxies: Sequence[TrustedProxy]) -> Trusted:
        added = self._checked(proxies)
        self._control.trust_add(added, self._clock.now_us())
        return self._with_concerns(added)

    def trust_set(self, proxies: Sequence[TrustedProxy]) -> Trusted:
        wanted = self._checked(proxies)
        self._control.trust_set(wanted, self._clock.now_us())
        return self._with_concerns(wanted)

    def trust_remove(self, what: str) -> Trusted:
        self._control.trust_remove(what, self._clock.now_us())
        return self.trust()

    def _checked(self, proxies: Sequence[TrustedProxy]) -> list[TrustEntry]:
        if not all(proxy.name.strip() for proxy in proxies):
            raise UsageError("a trusted proxy needs a name", "answers call it by that name", "for example edge-lb")
        entries = [entry(proxy.name.strip(), proxy.range, proxy.header) for proxy in proxies]
        nodes = self._node_ranges()
        for each in entries:
            refuse(each, nodes)
        return entries

    def _with_concerns(self, entries: Sequence[TrustEntry]) -> Trusted:
        listed, nodes = self.trust(), self._node_ranges()
        return Trusted(listed.version, listed.proxies, [what for each in entries for what in concerns(each, nodes)])


def refuse(added: TrustEntry, node_ranges: Sequence[Range] = ()) -> None:
    """Raises UsageError for a range that can only do harm: one of everybody, or one of nodes. A single address is the user's to know."""
    if added.range.bits < _ALL[added.range.version]:
        why = "the clients themselves are in it: each would be believed whatever it writes, and nobody's address would be sure"
        raise UsageError(f"{added.range.text} is not a network of proxies", why, "name the addresses of the proxies alone")
    nodes = next((each for each in node_ranges if _overlap(each, added.range)), None)
    if nodes and not added.range.is_single:
        why = "nodes and their pods write no header, and whoever reaches one of them could name any client"
        raise UsageError(f"{added.range.text} holds nodes ({nodes.text})", why, "name the addresses of the proxies alone")


def concerns(added: TrustEntry, node_ranges: Sequence[Range] = ()) -> list[str]:
    """What speaks against trusting a range, in sentences: it is done all the same."""
    found = [what for what in (_wide(added.range), _private(added.range), _node(added.range, node_ranges)) if what]
    must = f"these machines must write {added.header} on every request, or whoever reaches one of them can name any client"
    return [f"{what}: {must}" for what in found]


def _wide(trusted: Range) -> str | None:
    if trusted.bits >= _WIDEST[trusted.version]:
        return None
    return f"{trusted.text} is very wide, with many machines that are no proxies"


def _private(trusted: Range) -> str | None:
    """Nodes and pods live in private ranges; a single address there is as good as any other."""
    if trusted.is_single or not any(p.first <= trusted.first and trusted.last <= p.last for p in _PRIVATE):
        return None
    return f"{trusted.text} is private space, where nodes, pods and layer-4 balancers live that write no header at all"


def _node(trusted: Range, node_ranges: Sequence[Range]) -> str | None:
    if not any(_overlap(each, trusted) for each in node_ranges):
        return None
    return f"{trusted.text} is an address of a node, believed where the kernel shows that a process of that node opened the connection"


def _overlap(one: Range, other: Range) -> bool:
    return one.first <= other.last and other.first <= one.last
