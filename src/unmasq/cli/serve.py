"""`unmasq serve`: the store of many nodes, fed and asked over HTTP."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from unmasq.base.errors import UsageError
from unmasq.cli.port import LISTEN, PortOptions, port_of


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ServeOptions(PortOptions):
    """Where to keep flows, where to listen, whom to let in, and what nodes are told."""

    store: Path
    """The folder to keep flows in; made if absent."""
    listen: str = LISTEN
    """ADDRESS:PORT for browsers, programs and nodes. Beyond this machine it needs --tls-cert and --tls-key, or --insecure."""
    token_file: Path | None = None
    """A file with a token for nodes, beside those that unmasq token makes; read again when it changes."""
    trust: Annotated[str, Parameter(show_default=False)] = ""
    """Ranges whose machines write X-Forwarded-For on every request, separated by commas, or RANGE=HEADER; saved in the trust list."""
    interval_seconds: float = 60
    """Length of a flow's interval, on all nodes."""
    node_range: list[str] | None = None
    """Addresses of the cluster's nodes (repeatable), beside those that nodes tell: a source among them was translated elsewhere."""
    listener: list[str] | None = None
    """ADDRESS:PORT at which a proxy of the cluster accepts connections (repeatable): nodes that translate clients on their way there
    tell who they are. Where a node's kernel sees translated connections arrive is learned."""
    retention_days: int = 91
    """Days to keep, at least 1, counted back from the newest flow, or from now if that is earlier."""


def serve(options: ServeOptions) -> None:
    """Take the flows of many nodes, keep them, and answer for them."""
    from unmasq.base.clock import SystemClock
    from unmasq.base.secretfile import secret
    from unmasq.cli import serving
    from unmasq.keep.control.tokens import Tokens
    from unmasq.keep.day.ageing import days_to_keep
    from unmasq.model.address import parse_range
    from unmasq.observe.listeners import listener
    from unmasq.serve.server import Public

    days_to_keep(options.retention_days)
    if not 1 <= options.interval_seconds <= 3600:
        raise UsageError(f"not an interval: {options.interval_seconds:g} seconds", "it is from 1 second to an hour", "60 is the default")
    token_file = options.token_file
    if token_file:
        secret(token_file)
    for text in options.listener or ():
        listener(text)
    port = port_of(options.listen, options, has_token=token_file is not None or Tokens(options.store).has_any(SystemClock().now_us()))
    public = Public(
        host=port.host,
        port=port.port,
        tls=port.tls,
        names=port.names,
        geo=port.geo,
        node_token=(lambda: secret(token_file)) if token_file else (lambda: None),
        interval_seconds=options.interval_seconds,
        node_ranges=[parse_range(text).text for text in options.node_range or ()],
        listeners=options.listener or (),
    )
    serving.run(options.store, port, public, options.trust, options.retention_days)
