"""What a running node says of itself: whether its answers can be trusted, and which link is broken if not."""

from msgspec import Struct

from unmasq.base.telemetry import summed


class Shipping(Struct, frozen=True):
    """How a node's flows get to its server."""

    server: str
    trouble: str | None
    """Why they, or the server's settings, do not get through now."""
    waiting_batches: int
    """In the spool, with so many bytes of so many that may wait."""
    waiting_bytes: int
    most_bytes: int


class NodeStatus(Struct, frozen=True):
    """The links of one node, from log to store. Counts are since the start of its process."""

    node: str
    started: str
    logs: list[str]
    kernel: bool
    """Whether conntrack is watched."""
    namespace: str | None
    blind: str | None
    """Why the kernel is not watched, where it should be."""
    switches_off: list[str]
    connections_tracked: int
    connections_most: int
    listeners: list[str]
    counters: dict[str, int]
    """`name`, or `name{reason}`."""
    store_error: str | None
    """Why flows cannot be written now."""
    sockets: list[str] = []
    """Namespaces whose sockets are to be watched."""
    troubles: dict[str, str] = {}
    """What is to be watched and cannot be now -> why."""

    sockets_found: dict[str, int] = {}
    """Looked for where conntrack shows none of the connections that lines name: a namespace -> open sockets of our listeners."""
    data_plane: str | None = None
    """One that is known to bypass conntrack and has interfaces in the watched namespace."""
    untracked: list[str] = []
    """IPv4 or IPv6, where conntrack holds connections of the other family only."""

    pod_sockets: str | None = None
    """Why the sockets of the pods whose logs are read are watched: `asked` or `bypassed`; None where they are not."""
    pods_missing: dict[str, str] = {}
    """Of those pods NAMESPACE/POD -> why its sockets are not watched."""

    sockets_below: str | None = None
    """The folder of the sockets on which collectors may speak."""
    collectors: list[str] = []
    """The pods that have such a socket, NAMESPACE/POD."""
    credentials_refused: list[str] = []
    """Which credentials of pods are of no use, and why: some of many."""
    pods_trouble: str | None = None
    """Why the folder with the logs of pods cannot be listed, where pods are to be read."""
    pods_unmatched: list[str] = []
    """What --pods names and no container here matches."""
    pods_others: int = 0
    """Pods with logs that --pods does not name."""
    shipping: Shipping | None = None
    """None where the node keeps its flows itself."""
    syslog_queue: int | None = None
    """How many datagrams the kernel holds for a Unix socket on which syslog comes; None where there is none."""

    @property
    def program(self) -> str:
        """What a person starts to have such a node."""
        return "unmasq node" if self.shipping else "unmasq run"

    @property
    def sources(self) -> str:
        """What is read, for a person."""
        return ", ".join(self.logs) or ("what collectors send" if self.sockets_below else "the logs of chosen pods")

    def by_reason(self, name: str) -> dict[str, int]:
        """A counter by its reasons."""
        return {key[len(name) + 1 : -1]: count for key, count in self.counters.items() if key.startswith(f"{name}{{")}

    @property
    def is_witnessed(self) -> bool:
        """Whether anything in the kernel is to be watched."""
        return self.kernel or bool(self.sockets) or self.pod_sockets is not None

    def count(self, name: str) -> int:
        """A counter over all its reasons."""
        return summed(self.counters, (name,))[name]
