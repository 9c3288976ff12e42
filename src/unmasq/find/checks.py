"""The links from log to store, each with its state and what to do: what `unmasq doctor` says. Pure."""

from collections.abc import Iterator, Sequence

from unmasq.find import days, ways
from unmasq.find.check import Check, State
from unmasq.find.losses import lost
from unmasq.find.reading import pods, reading
from unmasq.find.sending import sending
from unmasq.keep.shapes import Health
from unmasq.model.health import NodeStatus, Shipping
from unmasq.show import words

_FULL = 0.7  # of the kernel's table, from which on bursts may be lost
_MOSTLY = 0.9


def checks(status: NodeStatus, health: Health) -> list[Check]:
    """All links in the order in which a line passes them: the first broken one is the cause."""
    return [
        *reading(status),
        *_kernel(status),
        *_listeners(status),
        *joined(health.requests, health.joined),
        *ways.sources(status),
        *ways.silent_proxies(status),
        _stored(status, health),
        *days.unwritten(health),
        *days.unreadable(health),
        *_dropped(status),
    ]


def node_checks(status: NodeStatus, shipping: Shipping) -> list[Check]:
    """All links of a node that sends its flows elsewhere."""
    return [
        *reading(status),
        *_kernel(status),
        *_listeners(status),
        *_joined_here(status),
        *ways.sources(status),
        *ways.silent_proxies(status),
        *sending(status, shipping),
        *_dropped(status),
    ]


def at_start(status: NodeStatus) -> list[Check]:
    """What a node that begins can tell already, and who starts it cannot wait for the doctor to say."""
    found = [*pods(status), *(_switches(status) if status.kernel else ())]
    return [check for check in found if check.state is not State.OK]


def first_broken(found: list[Check]) -> Check | None:
    """The cause, if something is broken."""
    return next((check for check in found if check.state is State.BROKEN), None)


def _kernel(status: NodeStatus) -> Iterator[Check]:
    yield from _troubles(status)
    if not status.is_witnessed:
        why, next_step = (status.blind, "run as root") if status.blind else ("told not to", f"leave --no-kernel out of {status.program}")
        yield Check("kernel", State.WARN, f"the kernel is not watched ({why}): no client behind a translation is known", next_step)
        return
    if status.sockets:
        told = f"{status.count('sockets_events'):,} of them have ended"
        yield Check("sockets", State.OK, f"watched in {', '.join(status.sockets)}, {told}")
    if status.kernel:
        yield from ways.bypassed(status) or ways.of_one_family(status) or _switches(status)
        yield table(status.connections_tracked, status.connections_most)
    if status.count("conntrack_buffer_refused") or status.count("sockets_buffer_refused"):
        seen = "the kernel gave a smaller buffer than was asked for: in bursts events are lost, and counted"
        yield Check("buffer", State.WARN, seen, "run as root of the machine, not of a namespace, or raise net.core.rmem_max")
    yield from ways.pods(status)


def _troubles(status: NodeStatus) -> Iterator[Check]:
    """What should be watched and is not: a pod that went away is nothing bad, a namespace that was never there is."""
    for place, why in sorted(status.troubles.items()):
        yield Check("watch", State.WARN, f"{place}: {' '.join(why.split())}", "it is tried again every few seconds")


def _switches(status: NodeStatus) -> list[Check]:
    where = f"namespace {status.namespace}" if status.namespace else "this namespace"
    if status.switches_off and status.data_plane:
        return [in_vain(where, status.switches_off, status.data_plane, f"name the proxy's pod: {status.program} --pods NAMESPACE/POD")]
    if status.switches_off:
        return [off_in(where, status.switches_off, status.namespace)]
    return [Check("kernel", State.OK, f"switches on in {where}, {status.count('connections_seen'):,} events of connections seen")]


def off_in(where: str, off: Sequence[str], namespace: str | None) -> Check:
    """That switches are off, and what turns them on."""
    there = f" --namespace {namespace}" if namespace else ""
    return Check("kernel", State.BROKEN, f"off in {where}: {', '.join(off)}", f"unmasq doctor --set-switches{there}")


def in_vain(where: str, off: Sequence[str], data_plane: str, next_step: str) -> Check:
    """That switches are off, and may be no help: the connections of pods may bypass what they switch on."""
    seen = f"off in {where}: {', '.join(off)}; but {data_plane} is here, and what it forwards may bypass conntrack"
    return Check("kernel", State.WARN, seen, f"{next_step}; where it does, the sockets of the pod are watched then")


def table(tracked: int, most: int) -> Check:
    """How full the kernel's table of connections is."""
    used = tracked / max(most, 1)
    seen = f"{tracked:,} of {most:,} connections tracked"
    return Check("table", State.WARN if used >= _FULL else State.OK, seen, "raise net.netfilter.nf_conntrack_max" if used >= _FULL else "")


def _listeners(status: NodeStatus) -> Iterator[Check]:
    if not status.is_witnessed:
        return
    if status.listeners:
        yield Check("listeners", State.OK, ", ".join(status.listeners))
    elif status.count("lines_partial"):
        seen = "none known, and the lines do not tell where the proxy accepted their connections"
        yield Check("listeners", State.BROKEN, seen, f"name each of them: {status.program} --listener ADDRESS:PORT")
    else:
        next_step = f"they are learned from lines; or name them: {status.program} --listener ADDRESS:PORT"
        yield Check("listeners", State.WARN, "none known yet", next_step)


def _joined_here(status: NodeStatus) -> Iterator[Check]:
    """Of what one node joined since its start. Where it watches and finds no connection at all, it watches the wrong place."""
    by = status.by_reason("requests_joined")
    requests, alone = sum(by.values()), by.get("nobody", 0)
    if alone and alone == requests and status.is_witnessed:
        seen = f"none of {requests:,} requests joined: the kernel that is watched saw none of their connections"
        yield Check("joined", State.BROKEN, seen, f"watch the namespace that they pass: {status.program} --namespace NAME")
        return
    yield from joined(requests, requests - alone)


def joined(requests: int, with_connection: int) -> Iterator[Check]:
    """Which share of requests has a connection."""
    if not requests:
        return
    share = with_connection / requests
    seen = f"{100 * share:.1f} % of {requests:,} requests joined with a connection"
    well = share >= _MOSTLY
    yield Check("joined", State.OK if well else State.WARN, seen, "" if well else "is the namespace watched that the connections pass?")


def _stored(status: NodeStatus, health: Health) -> Check:
    if status.store_error:
        return Check(
            "stored", State.BROKEN, f"flows cannot be written: {status.store_error}", "make room, or give the store another folder"
        )
    if health.judged_by_older:
        seen = f"{health.flows:,} flows, {health.judged_by_older:,} judged by an older trust list"
        return Check("stored", State.WARN, seen, "unmasq rejudge")
    held = f"{words.counted(health.flows, 'flow')} of {words.counted(health.nodes, 'node')}"
    return Check("stored", State.OK, f"{held}, trust list {health.trust_version}")


def _dropped(status: NodeStatus) -> Iterator[Check]:
    """Every counter of something that was lost."""
    found = lost(status.counters)
    if found:
        yield Check(
            "drops",
            State.WARN,
            ", ".join(f"{count:,} {key}" for key, count in sorted(found.items())),
            "docs/design.md says what each bound is",
        )
    else:
        yield Check("drops", State.OK, "nothing was dropped")
