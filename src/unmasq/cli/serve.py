"""`unmasq serve`: the store of many nodes, fed and asked over HTTP."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from unmasq.base.errors import UsageError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Where to keep flows, where to listen, whom to let in, and what nodes are told."""

    store: Path
    """The folder to keep flows in; made if absent."""
    listen: str = "127.0.0.1:8470"
    """ADDRESS:PORT for nodes and readers. Beyond this machine it needs --tls-cert and --tls-key, or --insecure."""
    tls_cert: Path | None = None
    """A file with the server's certificate and what vouches for it, PEM."""
    tls_key: Path | None = None
    """The file with the certificate's key, PEM."""
    insecure: bool = False
    """Listen without TLS also beyond this machine: behind a proxy with TLS, or where nobody can be on the way."""
    host: list[str] | None = None
    """A name by which the server is called (repeatable), beside addresses, localhost and the host's own name."""
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
    """Days to keep, at least 1, counted back from the newest flow."""


def serve(options: ServeOptions) -> None:
    """Take the flows of many nodes, keep them, and answer for them."""
    from unmasq.base.secretfile import secret
    from unmasq.cli import serving
    from unmasq.cli.ends import to_bind
    from unmasq.keep.day.ageing import days_to_keep
    from unmasq.model.address import parse_range
    from unmasq.observe.listeners import listener
    from unmasq.serve.listening import Tls
    from unmasq.serve.server import Public

    days_to_keep(options.retention_days)
    if (options.tls_cert is None) != (options.tls_key is None):
        raise UsageError("a certificate and a key belong together", "only one of them is named", "give both --tls-cert and --tls-key")
    if not 1 <= options.interval_seconds <= 3600:
        raise UsageError(f"not an interval: {options.interval_seconds:g} seconds", "it is from 1 second to an hour", "60 is the default")
    token_file = options.token_file
    if token_file:
        secret(token_file)
    host, port = to_bind(options.listen)
    if not (options.tls_cert or options.insecure):
        _demand_loopback(host, options.listen)
    for text in options.listener or ():
        listener(text)
    public = Public(
        host=host,
        port=port,
        tls=Tls(options.tls_cert, options.tls_key) if options.tls_cert and options.tls_key else None,
        names=options.host or (),
        node_token=(lambda: secret(token_file)) if token_file else (lambda: None),
        interval_seconds=options.interval_seconds,
        node_ranges=[parse_range(text).text for text in options.node_range or ()],
        listeners=options.listener or (),
    )
    serving.run(options.store, public, options.trust, options.retention_days)


def _demand_loopback(host: str, listen: str) -> None:
    from unmasq.base.servers import is_loopback

    if not is_loopback(host):
        why = "without TLS whoever is on the way can read tokens and flows, and change them"
        next_step = "add --tls-cert and --tls-key; or --insecure behind a proxy with TLS, or where nobody can be on the way"
        raise UsageError(f"nothing listens on {listen} without TLS", why, next_step)
