"""What a node watches, as flags that `run` and `node` share, and what it says of that."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import UsageError
from unmasq.base.telemetry import Counters
from unmasq.cli import output as out
from unmasq.model.flaws import LONGEST_NODE
from unmasq.read.formats.proxies import FormatName
from unmasq.show import words

if TYPE_CHECKING:
    from unmasq.model.health import NodeStatus
    from unmasq.node.live import Covered, LiveNode
    from unmasq.node.watch import Watch
    from unmasq.observe.policy_sync.server import PolicySync, Reports


PODS = "pods"
"""What --sockets calls the namespaces of the pods whose logs are read."""

_SOCKETS = (
    "A proxy's network namespace whose sockets to watch (repeatable), as for --namespace; or pods, for those of the pods whose logs "
    "are read, found by their processes. Not needed where conntrack suffices; where it is found to be bypassed, pods are watched anyway."
)
_SYSLOG = (
    "Listen for a proxy's lines as syslog datagrams (repeatable): unix:/PATH, or ADDRESS:PORT for UDP. Whoever can send there is "
    "believed to be the proxy. A log that is a file survives kill -9; what came this way and is not kept yet does not."
)
_POLICY_SYNC = (
    "Open a socket for each pod that has credentials below this folder, /var/run/unmasq if none is named, and read what collectors "
    "send there. Off unless asked for, as Felix's policySyncPathPrefix is: whoever holds such a socket is believed."
)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """What to read and watch, and how long to wait."""

    input: Annotated[list[str] | None, Parameter(allow_leading_hyphen=True)] = None
    """A log to read (repeatable), also one that a container runtime wrote; for run --once, - is standard input."""
    format: FormatName = "auto"
    """The proxy that writes the logs: lines of other formats are rejected and counted; auto takes each line for what it is."""
    pods: list[str] | None = None
    """NAMESPACE/POD or NAMESPACE/POD/CONTAINER whose log on this node to read (repeatable); * and ? stand for other characters."""
    pod_logs: Path = Path("/var/log/pods")
    """Where the kubelet keeps the logs of pods."""
    syslog: Annotated[list[str] | None, Parameter(help=_SYSLOG)] = None
    from_start: bool = False
    """Read a log that was never read before from its first line, not from its end."""
    kernel: Annotated[bool, Parameter(negative="--no-kernel")] = True
    """Watch the connections that conntrack tracks."""
    namespace: str | None = None
    """The network namespace whose conntrack to watch: a name, or a path such as /proc/PID/ns/net. Otherwise our own."""
    sockets: Annotated[list[str] | None, Parameter(help=_SOCKETS)] = None
    policy_sync: Annotated[bool | Path, Parameter(show_default=False, help=_POLICY_SYNC)] = False
    listener: list[str] | None = None
    """ADDRESS:PORT at which a proxy on this node accepts connections (repeatable); others are learned from lines that tell them."""
    node_range: list[str] | None = None
    """Addresses of nodes (repeatable), beside this one's and those that the server tells: a source among them was translated elsewhere."""
    node: str | None = None
    """What this node calls itself in the flow log. Otherwise the host's name."""
    linger_seconds: float = 10
    """How long after its interval a flow stays open for late lines and counters."""
    wait_seconds: float = 120
    """How long a line waits for its connection, and a connection for its first line."""


def watch_of(options: WatchOptions, interval_us: int) -> "Watch":
    """What the flags mean. Raises UsageError."""
    from unmasq.cli.ends import to_receive
    from unmasq.join.settings import WindowSettings
    from unmasq.model.address import parse_range
    from unmasq.node.identity import node_name
    from unmasq.node.watch import Watch
    from unmasq.observe.listeners import listener
    from unmasq.read.podnames import Choice, pods_that_wrote

    if not (options.input or options.pods or options.syslog or options.policy_sync):
        why = "neither a log nor pods nor syslog nor collectors are named"
        next_step = "name a log with --input, or pods with --pods, or --syslog, or --policy-sync"
        raise UsageError("nothing to read", why, next_step)
    if PODS in (options.sockets or []) and not (options.pods or options.policy_sync or pods_that_wrote(options.input or [])):
        next_step = f"name them with --pods; a namespace of that name is /run/netns/{PODS}"
        raise UsageError(f"no pods for --sockets {PODS}", "no log of a pod is read", next_step)
    return Watch(
        node=_node(options.node or node_name()),
        logs=options.input or [],
        format=options.format,
        pods=[Choice.parse(text) for text in options.pods or []],
        pod_logs=str(options.pod_logs),
        from_start=options.from_start,
        syslog=[to_receive(text) for text in options.syslog or []],
        kernel=options.kernel,
        namespace=options.namespace,
        sockets=[space for space in options.sockets or [] if space != PODS],
        pod_sockets=PODS in (options.sockets or []),
        listeners=[listener(text) for text in options.listener or []],
        node_ranges=[parse_range(text) for text in options.node_range or []],
        window=WindowSettings(
            interval_us=interval_us,
            linger_us=microseconds(options.linger_seconds),
            wait_us=microseconds(options.wait_seconds),
        ),
    )


def _node(name: str) -> str:
    if len(name) > LONGEST_NODE:
        why = f"it has {len(name)} characters, and a server takes {LONGEST_NODE}"
        raise UsageError("the node's name is too long", why, "give it a shorter one with --node")
    return name


def sync_of(
    options: WatchOptions, covered: "Callable[[], Covered]", reports: "Callable[[], Reports]", clock: Clock, counters: Counters
) -> "PolicySync | None":
    """The sockets of collectors, if there are to be any; `reports` opens what keeps theirs. Raises UsageError, KernelError, StoreError."""
    from unmasq.observe.policy_sync.server import PREFIX, PolicySync

    if not options.policy_sync:
        return None
    prefix = PREFIX if options.policy_sync is True else options.policy_sync
    if not prefix.is_absolute():  # an empty variable is the folder where we happen to be
        raise UsageError(f"no folder for sockets: {str(prefix)!r}", "it must be named from / on", f"write it like {PREFIX}")
    return PolicySync(prefix, covered, reports(), clock, counters, out.note)


def pods_of(sync: "PolicySync | None") -> Callable[[], dict[str, str]]:
    """UID -> NAMESPACE/POD of those whose collectors may speak now."""
    return lambda: {pod.uid: pod.reporter for pod in sync.pods.values() if pod.uid} if sync else {}


def microseconds(seconds: float) -> int:
    """A length of time that a flag gives. Raises UsageError for none."""
    if not seconds > 0:
        raise UsageError(f"not a length of time: {seconds:g} seconds", "it must be more than nothing", "leave the flag out for the default")
    return int(seconds * MICROSECONDS)


def say_what_is_watched(node: "LiveNode", sync: "PolicySync | None", status: "NodeStatus") -> None:
    """Tell a person which logs, collectors and which kernel a node looks at, and what of that can bring nothing."""
    from unmasq.find.checks import at_start

    logs = [*node.watch.logs, *(f"pods {choice}" for choice in node.watch.pods)]
    logs += [f"syslog on {receiver.place}" for receiver in node.receivers]
    logs += [f"collectors below {sync.prefix}"] if sync else []
    places = [place.name for place in node.witness.places] if node.witness else []
    places += ["the sockets of these pods"] if node.sight.pod_sockets else []
    out.note(f"reading {', '.join(logs)}; {f'watching {_listed(places)}' if places else 'without the kernel'}")
    for error in node.witness.troubles.values() if node.witness else []:
        out.note(f"{error}\nIt is tried again every few seconds.")
    for path in node.watch.logs:
        if not Path(path).exists():
            out.note(f"{path} is not there yet: waiting for it")
    if node.sight.blind:
        out.note(f"{node.sight.blind}\nLines are kept without their connections: no client behind a translation is known.")
    for check in at_start(status):
        out.note(f"{check.seen}: {check.next}")


def _listed(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def summary(counters: Counters) -> str:
    """What was read and rejected, in one line."""
    rejected = [f"{count:,} {reason}" for name, reason, count in counters.rows() if name == "lines_rejected"]
    total = counters.of("lines_rejected")
    read = f"read {words.counted(counters.of('lines_read'), 'line')}"
    return read + (f", rejected {total:,} ({', '.join(rejected)}): `unmasq explain` shows each" if rejected else "")
