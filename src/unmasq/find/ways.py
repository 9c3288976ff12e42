"""The ways on which requests come, judged by counts: is the kernel asked in the right place, and is the source kept? Pure."""

from unmasq.find.check import Check, State
from unmasq.model.health import NodeStatus

_FEW = 0.1  # of the requests: so many may lack their connection for other reasons
_ENOUGH = 10  # requests, or connections, from which on a share says something
_SILENT = 0.5  # of the requests of a trusted proxy


def is_blind(status: NodeStatus) -> bool:
    """Whether conntrack shows next to none of the connections that the proxy's log names."""
    joined = status.by_reason("requests_joined")
    shown, missed = joined.get("conntrack", 0), joined.get("sockets", 0) + joined.get("nobody", 0)
    return missed > 0 and shown <= _FEW * (shown + missed)


def bypassed(status: NodeStatus) -> list[Check]:
    """That the data plane bypasses conntrack, where it does: then its switches are no help, and the sockets are.

    With the switches off conntrack shows nothing anyway: only interfaces of a data plane that is known for it tell then.
    """
    if not status.kernel or not is_blind(status) or not (status.data_plane or not status.switches_off):
        return []
    by = f" ({status.data_plane})" if status.data_plane else ""
    if status.sockets:
        return [Check("kernel", State.OK, f"the data plane{by} bypasses conntrack: the sockets are watched instead")]
    if not status.sockets_found:
        return []
    requests = sum(status.by_reason("requests_joined").values())
    where, count = max(status.sockets_found.items(), key=lambda item: item[1])
    shown = f"conntrack shows next to none of the connections of {requests:,} requests"
    seen = f"{shown}, though the proxy has {count:,} sockets open in {where}"
    next_step = f"leave the switches and run: {status.program} --no-kernel --sockets {where}"
    return [Check("kernel", State.BROKEN, f"{seen}: the data plane{by} bypasses it", next_step)]


def sources(status: NodeStatus) -> list[Check]:
    """On which share of connections the proxy sees who opened them."""
    by = status.by_reason("sources")
    total = sum(by.values())
    if total < _ENOUGH:
        return []
    seen = f"source preserved on {_percent(by.get('preserved', 0) / total)} of connections"
    if by.get("elsewhere", 0):
        lost = f"{seen}; on {_percent(by['elsewhere'] / total)} another node or balancer hides it"
        return [Check("source", State.WARN, lost, "use externalTrafficPolicy Local, DSR or PROXY protocol")]
    told = f"{seen}; the rest is translated where the kernel is watched" if by.get("nat", 0) else seen
    return [Check("source", State.OK, told)]


def silent_proxies(status: NodeStatus) -> list[Check]:
    """The trusted proxies that send requests without the header for which they are trusted."""
    requests, silent = status.by_reason("trusted_requests"), status.by_reason("trusted_silent")
    return [
        _silent(name, silent.get(name, 0) / count)
        for name, count in sorted(requests.items())
        if count >= _ENOUGH and silent.get(name, 0) >= _SILENT * count
    ]


def _silent(name: str, share: float) -> Check:
    proxy, _, header = name.rpartition(" ")
    seen = f"proxy {proxy} is trusted but sends no {header.title()} on {_percent(share)} of its requests"
    next_step = "have it write that header, or take it off the list: nodes, pods and layer-4 balancers write none"
    return Check("trust", State.WARN, seen, next_step)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
