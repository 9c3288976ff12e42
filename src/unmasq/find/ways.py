"""The ways on which requests come, judged by counts: is the kernel asked in the right place, and is the source kept? Pure."""

from collections.abc import Mapping

from unmasq.find.check import Check, State
from unmasq.model.health import NodeStatus
from unmasq.show import words

FEW = 0.1
"""Such a share of requests, or connections, says nothing of the others: these may have other reasons."""

_ENOUGH = 10  # requests, or connections, from which on a share says something
_SILENT = 0.5  # of the requests of a trusted proxy
_MOST_NAMED = 3
_WHY = {"asked": "as was asked for", "bypassed": "since conntrack does not see their connections"}


def is_blind(joined: Mapping[str, int]) -> bool:
    """Whether conntrack shows next to none of the connections that the proxy's log names, by `requests_joined`."""
    shown, missed = joined.get("conntrack", 0), joined.get("sockets", 0) + joined.get("nobody", 0)
    return missed > 0 and shown <= FEW * (shown + missed)


def bypassed(status: NodeStatus) -> list[Check]:
    """That the data plane bypasses conntrack, where it does: then its switches are no help, and the sockets are.

    With the switches off conntrack shows nothing anyway: only interfaces of a data plane that is known for it tell then.
    """
    by = f" ({status.data_plane})" if status.data_plane else ""
    if status.pod_sockets == "bypassed" and not status.sockets:
        next_step = "give the node the host's processes: hostPID in Kubernetes"
        return [Check("kernel", State.BROKEN, f"the data plane{by} bypasses conntrack, and the sockets of no pod are found", next_step)]
    if status.pod_sockets == "bypassed" or (_is_bypassed(status) and status.sockets):
        return [Check("kernel", State.OK, f"the data plane{by} bypasses conntrack: the sockets are watched instead")]
    if not _is_bypassed(status) or not status.sockets_found:
        return []
    requests = sum(status.by_reason("requests_joined").values())
    where, count = max(status.sockets_found.items(), key=lambda item: item[1])
    shown = f"conntrack shows next to none of the connections of {requests:,} requests"
    seen = f"{shown}, though the proxy has {count:,} sockets open in {where}"
    next_step = f"leave the switches and run: {status.program} --no-kernel --sockets {where}"
    return [Check("kernel", State.BROKEN, f"{seen}: the data plane{by} bypasses it", next_step)]


def _is_bypassed(status: NodeStatus) -> bool:
    if not status.kernel or not is_blind(status.by_reason("requests_joined")):
        return False
    missed = status.by_reason("requests_missed").keys()
    is_explained = status.switches_off or (missed and missed <= set(status.untracked))
    return bool(status.data_plane) or not is_explained


def of_one_family(status: NodeStatus) -> list[Check]:
    """That the rules which make the kernel track connections are of the family that these requests did not come by."""
    missed = {family: count for family, count in status.by_reason("requests_missed").items() if family in status.untracked}
    if not missed:
        return []
    ((family, count),) = missed.items()
    came = f"{words.counted(count, 'request')} over {family} came without their connections"
    seen = f"{came}, and conntrack tracks none of {family}: a rule of iptables, or of an nft table `ip`, wakes it for one family alone"
    state = State.BROKEN if is_blind(status.by_reason("requests_joined")) else State.WARN
    return [Check("kernel", state, seen, "unmasq doctor --set-switches adds a rule for both")]


def pods(status: NodeStatus) -> list[Check]:
    """The pods whose sockets should be watched and are not; those in the host's network are seen anyway."""
    if status.pod_sockets is None:
        return []
    gone = status.count("pod_spaces_vanished")
    missing = sorted(f"{pod}: {why}" for pod, why in status.pods_missing.items())
    if not missing:
        seen = (
            f"the sockets of the pods whose logs are read are watched, {_WHY[status.pod_sockets]}; {gone:,} of their namespaces went away"
        )
        return [Check("pods", State.OK, seen)]
    more = f"; and {len(missing) - _MOST_NAMED:,} more" if len(missing) > _MOST_NAMED else ""
    seen = f"their sockets are not watched: {'; '.join(missing[:_MOST_NAMED])}{more}"
    return [
        Check(
            "pods",
            State.WARN,
            seen,
            "well, if they have ended; else: does the node see the host's processes (hostPID), with CAP_SYS_PTRACE?",
        )
    ]


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
