"""`unmasq node`: the witness on a node, which sends its flows to a server."""

from dataclasses import dataclass
from pathlib import Path

from cyclopts import Parameter

from unmasq.base.errors import UsageError
from unmasq.cli.watching import WatchOptions, microseconds


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class NodeOptions(WatchOptions):
    """What to read and watch, where to send it, and where it waits meanwhile."""

    server: str
    """The URL of unmasq serve; what it says of trust, listeners and the interval holds here."""
    token_file: Path
    """A file with a token for nodes; read whenever it is used."""
    spool: Path
    """The folder in which flows wait until the server has them; made if absent."""
    ca: Path | None = None
    """A file with the certificates that vouch for the server, PEM. Otherwise the system's."""
    insecure: bool = False
    """Send token and flows also over http:// to another machine: only where nobody can be on the way."""
    spool_mb: int = 1024
    """How much may wait, compressed; beyond that the oldest flows are dropped and counted."""
    ship_seconds: float = 1
    """How long closed flows may gather before they are in the spool, and go to the server."""
    metrics: str | None = None
    """ADDRESS:PORT for /metrics and /healthz (503 while the spool takes nothing or nothing can be sent for a reason of the node's own),
    which name no client."""


def node(options: NodeOptions) -> None:
    """Read the logs of this node's proxies, join them with its connections, and send the flows to a server."""
    from unmasq.base.secretfile import secret
    from unmasq.cli import shipping
    from unmasq.cli.ends import to_bind
    from unmasq.node.upstream import Upstream

    if "-" in (options.input or ()):
        raise UsageError("standard input cannot be followed", "a node goes on where it was after a restart", "name a file")
    if options.spool_mb < 1:
        raise UsageError(f"not a size: {options.spool_mb} MB", "a spool needs room for a batch", "leave the flag out for the default")
    secret(options.token_file)
    metrics = to_bind(options.metrics) if options.metrics else None
    spooling = shipping.Spooling(options.spool, options.spool_mb << 20, microseconds(options.ship_seconds))
    with Upstream(options.server, lambda: secret(options.token_file), options.ca, insecure=options.insecure) as upstream:
        shipping.run(options, spooling, upstream, metrics)
