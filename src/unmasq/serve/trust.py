"""The trust list as it is asked for and changed from outside, with what speaks against an entry."""

import ipaddress

from unmasq.base.clock import Clock
from unmasq.base.errors import UsageError
from unmasq.keep.control import Control
from unmasq.model.address import Range, parse_range
from unmasq.serve.protocol import Trusted, TrustedProxy
from unmasq.unwind.trust import TrustEntry, entry

_WIDEST = {4: 16, 6: 32}
_PRIVATE = [parse_range(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")]


class TrustDesk:
    """Answers and changes the list of one store."""

    def __init__(self, control: Control, clock: Clock) -> None:
        self._control, self._clock = control, clock

    def trust(self) -> Trusted:
        current = self._control.trust_list()
        return Trusted(current.version, [TrustedProxy(e.name, e.range.text, e.header) for e in current.entries])

    def trust_add(self, proxy: TrustedProxy) -> Trusted:
        if not proxy.name.strip():
            raise UsageError("a trusted proxy needs a name", "answers call it by that name", "for example edge-lb")
        added = entry(proxy.name.strip(), proxy.range, proxy.header)
        self._control.trust_add([added], self._clock.now_us())
        listed = self.trust()
        return Trusted(listed.version, listed.proxies, concerns(added))

    def trust_remove(self, what: str) -> Trusted:
        self._control.trust_remove(what, self._clock.now_us())
        return self.trust()


def concerns(added: TrustEntry) -> list[str]:
    """What speaks against trusting a range, in sentences: it is done all the same."""
    found = [what for what in (_wide(added.range), _private(added.range)) if what]
    must = f"these machines must write {added.header} on every request, or whoever reaches one of them can name any client"
    return [f"{what}: {must}" for what in found]


def _wide(trusted: Range) -> str | None:
    network = ipaddress.ip_network(trusted.text)
    if network.prefixlen >= _WIDEST[network.version]:
        return None
    return f"{trusted.text} is very wide, with many machines that are no proxies"


def _private(trusted: Range) -> str | None:
    """Nodes and pods live in private ranges; a single address there is as good as any other."""
    if trusted.is_single or not any(p.first <= trusted.first and trusted.last <= p.last for p in _PRIVATE):
        return None
    return f"{trusted.text} is private space, where nodes, pods and layer-4 balancers live that write no header at all"
