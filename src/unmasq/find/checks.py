"""The links from log to store, each with its state and what to do: what `unmasq doctor` says. Pure."""

from collections.abc import Iterator

from unmasq.find import ways
from unmasq.find.check import Check, State
from unmasq.keep.protocol import Health
from unmasq.model.health import NodeStatus
from unmasq.show import words

_FULL = 0.7  # of the kernel's table, from which on bursts may be lost
_MOSTLY = 0.9


def checks(status: NodeStatus, health: Health) -> list[Check]:
    """All links in the order in which a line passes them: the first broken one is the cause."""
    return [
        _log(status),
        _marker(status),
        *_kernel(status),
        *_listeners(status),
        *_joined(health),
        *ways.sources(status),
        *ways.silent_proxies(status),
        _stored(status, health),
        *_dropped(status),
    ]


def first_broken(found: list[Check]) -> Check | None:
    """The cause, if something is broken."""
    return next((check for check in found if check.state is State.BROKEN), None)


def _log(status: NodeStatus) -> Check:
    count, logs = status.count("lines_read"), ", ".join(status.logs)
    if count:
        return Check("log", State.OK, f"{count:,} lines read from {logs}")
    missing = status.count("tail_missing")
    seen = f"{logs} cannot be read" if missing else f"no line since {status.started} in {logs}"
    return Check("log", State.BROKEN if missing else State.WARN, seen, "does the proxy write there, and may we read it?")


def _marker(status: NodeStatus) -> Check:
    rejected = {key[len("lines_rejected{") : -1]: n for key, n in status.counters.items() if key.startswith("lines_rejected{")}
    if not rejected:
        return Check("marker", State.OK, "no line was rejected")
    words = ", ".join(f"{count:,} {reason}" for reason, count in sorted(rejected.items()))
    all_of_them = sum(rejected.values()) >= status.count("lines_read")
    next_step = "unmasq explain --input LOG shows why, unmasq config template nginx the format to set"
    return Check("marker", State.BROKEN if all_of_them else State.WARN, f"rejected: {words}", next_step)


def _kernel(status: NodeStatus) -> Iterator[Check]:
    yield from _troubles(status)
    if not status.is_witnessed:
        why, next_step = (status.blind, "run as root") if status.blind else ("told not to", "leave --no-kernel out of unmasq run")
        yield Check("kernel", State.WARN, f"the kernel is not watched ({why}): no client behind a translation is known", next_step)
        return
    if status.sockets:
        told = f"{status.count('sockets_events'):,} of them have ended"
        yield Check("sockets", State.OK, f"watched in {', '.join(status.sockets)}, {told}")
    if status.kernel:
        yield from ways.bypassed(status) or _switches(status)
        yield _table(status)


def _troubles(status: NodeStatus) -> Iterator[Check]:
    """What should be watched and is not: a pod that went away is nothing bad, a namespace that was never there is."""
    for place, why in sorted(status.troubles.items()):
        yield Check("watch", State.WARN, f"{place}: {' '.join(why.split())}", "it is tried again every few seconds")


def _switches(status: NodeStatus) -> list[Check]:
    where = f"namespace {status.namespace}" if status.namespace else "this namespace"
    if status.switches_off:
        return [Check("kernel", State.BROKEN, f"off in {where}: {', '.join(status.switches_off)}", "unmasq doctor --set-switches")]
    return [Check("kernel", State.OK, f"switches on in {where}, {status.count('connections_seen'):,} events of connections seen")]


def _table(status: NodeStatus) -> Check:
    used = status.connections_tracked / max(status.connections_most, 1)
    seen = f"{status.connections_tracked:,} of {status.connections_most:,} connections tracked"
    return Check("table", State.WARN if used >= _FULL else State.OK, seen, "raise net.netfilter.nf_conntrack_max" if used >= _FULL else "")


def _listeners(status: NodeStatus) -> Iterator[Check]:
    if not status.is_witnessed:
        return
    if status.listeners:
        yield Check("listeners", State.OK, ", ".join(status.listeners))
    else:
        yield Check(
            "listeners", State.WARN, "none known yet", "they are learned from lines; or name them: unmasq run --listener ADDRESS:PORT"
        )


def _joined(health: Health) -> Iterator[Check]:
    if not health.requests:
        return
    share = health.joined / health.requests
    seen = f"{100 * share:.1f} % of {health.requests:,} requests joined with a connection"
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
    names = (
        "window_gave_up_lines",
        "window_dropped_connections",
        "conntrack_lost",
        "conntrack_malformed",
        "sockets_lost",
        "sockets_malformed",
        "tail_lost_bytes",
        "listeners_refused",
    )
    lost = {key: count for key, count in status.counters.items() if key.split("{")[0] in names}
    if lost:
        yield Check(
            "drops",
            State.WARN,
            ", ".join(f"{count:,} {key}" for key, count in sorted(lost.items())),
            "docs/design.md says what each bound is",
        )
    else:
        yield Check("drops", State.OK, "nothing was dropped")
