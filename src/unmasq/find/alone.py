"""What there is to say where no node answers: of files at rest, of a server, of the kernel alone. Pure."""

from collections.abc import Sequence

from unmasq.find import days
from unmasq.find.check import Check, State
from unmasq.find.checks import in_vain, joined, off_in, table
from unmasq.find.completeness import MOST_NAMED, named
from unmasq.keep.shapes import Health
from unmasq.model.completeness import Completeness
from unmasq.show import words


def at_rest(store: str, health: Health) -> list[Check]:
    """What there is to say of files that nobody fills now: `unmasq run --once` leaves them so, and that is well."""
    held = f"{words.counted(health.flows, 'flow')} of {words.counted(health.requests, 'request')} on {words.counted(health.nodes, 'node')}"
    if health.oldest_us is not None and health.newest_us is not None:
        held += f", {words.span(health.oldest_us, health.newest_us)}"
    go_on = "to go on filling it: unmasq run --input LOG --store DIR"
    return [
        Check("owner", State.WARN, f"the store in {store} is at rest: nobody fills it now", go_on),
        Check("stored", State.OK if health.flows else State.WARN, f"{held}, trust list {health.trust_version}"),
        *days.unreadable(health),
    ]


def server_checks(url: str, health: Health, now_us: int) -> list[Check]:
    """What a server has, whatever its nodes are doing."""
    newest = "" if health.newest_us is None else f", the newest of {words.ago(health.newest_us, now_us)}"
    held = f"{words.counted(health.flows, 'flow')} of {words.counted(health.nodes, 'node')}{newest}, trust list {health.trust_version}"
    next_step = "on a node: unmasq doctor --spool DIR names the link that is broken"
    return [
        Check("server", State.OK, f"{url} answers"),
        *joined(health.requests, health.joined),
        Check("stored", State.OK if health.flows else State.WARN, held, next_step),
        *days.unwritten(health),
        *days.unreadable(health),
    ]


def nodes(known: Completeness) -> Check:
    """Whether all nodes of a server say something, and what they lost lately."""
    silent = [named(known.silent, len(known.silent))] if known.silent else []
    lost = [f"{node} lost {words.count(sum(counts.values()))}" for node, counts in sorted(known.dropped.items())[:MOST_NAMED]]
    if not silent + lost:
        return Check("nodes", State.OK, f"{words.counted(known.nodes, 'node')}, none of them silent")
    seen = ", ".join(silent + lost)
    next_step = "is unmasq node running there? One that was taken away is forgotten after 7 days; on it, unmasq doctor --spool DIR"
    return Check("nodes", State.WARN, seen, next_step)


def kernel_alone(namespace: str | None, off: Sequence[str], data_plane: str | None, used: tuple[int, int]) -> list[Check]:
    """The kernel, where there is no node to ask: what is off, a data plane that may bypass conntrack, the use of its table."""
    where = f"namespace {namespace}" if namespace else "this namespace"
    if off and data_plane:
        switched = in_vain(where, off, data_plane, "let a node read the proxy's pod: unmasq run --pods NAMESPACE/POD")
    elif off:
        switched = off_in(where, off, namespace)
    else:
        switched = Check("kernel", State.OK, f"switches on in {where}")
    return [switched, table(*used)]


def in_a_pod() -> Check:
    """That nothing can be seen from here: what the kernel must be told, it must be told on the node."""
    seen = "this is a pod with a network of its own: the switches that matter are those of the node, and no collector is set up here"
    next_step = "on the node: unmasq doctor --spool DIR; from here: unmasq doctor --server URL --token-file FILE; docs/kubernetes.md"
    return Check("kernel", State.WARN, seen, next_step)
