"""`unmasq run`: one host with a proxy, everything in one process; or logs at rest, read to the end."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from unmasq.base.clock import MICROSECONDS
from unmasq.base.errors import UsageError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What to read and watch, whom to trust, and how long to wait."""

    input: Annotated[list[str], Parameter(allow_leading_hyphen=True)]
    """A log to read (repeatable); - is standard input, with --once."""
    store: Path
    """The folder to keep flows in; made if absent."""
    trust: Annotated[str, Parameter(show_default=False)] = ""
    """Ranges whose machines write X-Forwarded-For on every request, separated by commas; saved in the store's trust list."""
    once: bool = False
    """Read to the end of the logs, keep the flows, exit. Needs no kernel and no root."""
    from_start: bool = False
    """Read a log that was never read before from its first line, not from its end."""
    kernel: Annotated[bool, Parameter(negative="--no-kernel")] = True
    """Watch the connections that conntrack tracks."""
    namespace: str | None = None
    """The network namespace whose conntrack to watch: a name, or a path such as /proc/PID/ns/net. Otherwise our own."""
    sockets: list[str] | None = None
    """A proxy's network namespace whose sockets to watch (repeatable): also where the data plane bypasses conntrack."""
    listener: list[str] | None = None
    """ADDRESS:PORT at which a proxy accepts connections (repeatable); others are learned from the lines."""
    node_range: list[str] | None = None
    """Addresses of nodes (repeatable): a source among them was translated elsewhere."""
    node: str | None = None
    """What this node calls itself in the flow log. Otherwise the host's name."""
    interval_seconds: float = 60
    """Length of a flow's interval."""
    linger_seconds: float = 10
    """How long after its interval a flow stays open for late lines and counters."""
    wait_seconds: float = 120
    """How long a line waits for its connection, and a connection for its first line."""
    flush_seconds: float = 30
    """How long closed flows may wait before they are written; they are searchable meanwhile."""
    retention_days: int = 91
    """Days to keep, counted back from the newest flow; not with --once."""


def run(options: RunOptions) -> None:
    """Read proxy logs, join them with the kernel's connections, and keep the flows."""
    from unmasq.cli import live, once
    from unmasq.join.settings import WindowSettings
    from unmasq.model.address import parse_range
    from unmasq.node.identity import node_name
    from unmasq.node.live import Watch
    from unmasq.observe.listeners import Listener

    watch = Watch(
        node=options.node or node_name(),
        logs=options.input,
        from_start=options.from_start,
        kernel=options.kernel,
        namespace=options.namespace,
        sockets=options.sockets or [],
        listeners=[Listener(*_end(text)) for text in options.listener or []],
        node_ranges=[parse_range(text) for text in options.node_range or []],
        window=WindowSettings(
            interval_us=_microseconds(options.interval_seconds),
            linger_us=_microseconds(options.linger_seconds),
            wait_us=_microseconds(options.wait_seconds),
        ),
    )
    if options.once:
        once.run(options.store, watch, options.trust)
    elif "-" in options.input:
        raise UsageError("standard input needs --once", "a stream cannot be followed after a restart", "add --once, or name a file")
    else:
        live.run(options.store, watch, options.trust, _microseconds(options.flush_seconds), options.retention_days)


def _microseconds(seconds: float) -> int:
    if not seconds > 0:
        raise UsageError(f"not a length of time: {seconds:g} seconds", "it must be more than nothing", "leave the flag out for the default")
    return int(seconds * MICROSECONDS)


def _end(text: str) -> tuple[int, int, int]:
    """ADDRESS:PORT, with brackets around an IPv6 address; `*` for every address."""
    from unmasq.model.address import NONE, parse

    host, _, port = text.rpartition(":")
    pair = NONE if host in ("*", "::", "[::]", "0.0.0.0") else parse(host)  # noqa: S104  # an address to match, not to bind
    if pair is None or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise UsageError(f"not a listener: {text!r}", "a listener is ADDRESS:PORT", "write it like 10.244.1.10:80 or [2001:db8::10]:443")
    return *pair, int(port)
