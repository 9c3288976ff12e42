"""What a node watches, and where its flows go."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from unmasq.join.settings import WindowSettings
from unmasq.model.address import Range
from unmasq.model.flowbatch import FlowBatch
from unmasq.observe.listeners import Listener
from unmasq.read.endpoint import Place
from unmasq.read.formats.proxies import FormatName
from unmasq.read.podnames import Choice
from unmasq.read.pods import POD_LOGS
from unmasq.unwind.trust import TrustList


@dataclass(frozen=True)
class Watch:
    """What a node watches."""

    node: str
    logs: Sequence[str]
    format: FormatName = "auto"
    """The proxy whose lines alone are read."""
    pods: Sequence[Choice] = ()
    pod_logs: str = POD_LOGS
    from_start: bool = False
    syslog: Sequence[Place] = ()
    """Where to listen for lines that come as syslog datagrams."""
    kernel: bool = True
    """Whether to watch conntrack, in `namespace` or in our own."""
    namespace: str | None = None
    sockets: Sequence[str] = ()
    """Namespaces of proxies whose sockets are watched, also where conntrack sees nothing."""
    pod_sockets: bool = False
    """Whether to watch those of the pods whose logs are read. Otherwise they are watched where conntrack is bypassed."""
    proc: str = "/proc"
    """Where the host's processes are shown, by which the namespaces of pods are found."""
    listeners: Sequence[Listener] = ()
    node_ranges: Sequence[Range] = ()
    window: WindowSettings = field(default_factory=WindowSettings)


@dataclass(frozen=True)
class Keeper:
    """Where flows go."""

    sink: Callable[[FlowBatch], None]
    """Takes flows; they are on disk some time later."""
    commit: Callable[[FlowBatch], None]
    """Takes a batch that is on disk when it returns."""
    trust: Callable[[], TrustList]
    """The trust list of now."""
    moment: AbstractContextManager[object]
    """Held while flows move to the sink."""
    node_ranges: Callable[[], Sequence[Range]] = tuple
    """Addresses of nodes beside those that are watched for, as they are known now."""
    interval_us: Callable[[], int] | None = None
    """Length of a flow's interval, asked once when all is open: the answer may take a moment. Otherwise that of the window."""
    give_way: Callable[[], None] = lambda: None
    """Called between two pieces of a log: it may wait a moment for whoever answers a question."""
