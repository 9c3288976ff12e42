"""Where pages and API are served, as flags that `serve` and `run` share, and the link that lets the first browser in."""

import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cyclopts import Parameter

from unmasq.base.errors import UsageError
from unmasq.base.servers import is_loopback

if TYPE_CHECKING:
    from unmasq.serve.listening import Tls
    from unmasq.serve.who import Sessions

LISTEN = "127.0.0.1:8470"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PortOptions:
    """How to listen."""

    tls_cert: Path | None = None
    """A file with the server's certificate and what vouches for it, PEM."""
    tls_key: Path | None = None
    """The file with the certificate's key, PEM."""
    insecure: bool = False
    """Listen without TLS also beyond this machine: behind a proxy with TLS, or where nobody can be on the way."""
    host: list[str] | None = None
    """A name by which the server is called (repeatable), beside addresses, localhost and the host's own name."""
    geo: list[Path] | None = None
    """A file with countries or networks of addresses (repeatable), MMDB or CSV; none is shipped."""


class Port(NamedTuple):
    """An address to listen on, and what belongs to it."""

    host: str
    port: int
    tls: "Tls | None"
    names: Sequence[str]
    geo: Sequence[Path]

    def url(self, port: int) -> str:
        """How a person on this machine, or beyond it, calls the server that listens on the port."""
        everywhere = self.host in ("0.0.0.0", "::")  # noqa: S104  # nobody calls it that
        host = (self.names[0] if self.names else socket.gethostname()) if everywhere else self.host
        return f"{'https' if self.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def port_of(listen: str, options: PortOptions, *, has_token: bool) -> Port:
    """What the flags mean. Raises UsageError for what would let in whom it should not."""
    from unmasq.cli.ends import to_bind
    from unmasq.serve.listening import Tls

    if (options.tls_cert is None) != (options.tls_key is None):
        raise UsageError("a certificate and a key belong together", "only one of them is named", "give both --tls-cert and --tls-key")
    host, port = to_bind(listen)
    if not is_loopback(host):
        _demand_tls(listen, options)
        _demand_token(listen, has_token=has_token)
    tls = Tls(options.tls_cert, options.tls_key) if options.tls_cert and options.tls_key else None
    return Port(host, port, tls, options.host or (), options.geo or ())


def say_link(port: Port, bound: int, sessions: "Sessions") -> None:
    """One line on standard output, and nothing else there: where a browser is let in, once."""
    with contextlib.suppress(OSError):  # a full disk behind standard output is no reason to stop
        print(f"{port.url(bound)}/login?token={sessions.link()}", flush=True)


def _demand_tls(listen: str, options: PortOptions) -> None:
    if not (options.tls_cert or options.insecure):
        why = "without TLS whoever is on the way can read tokens and flows, and change them"
        next_step = "add --tls-cert and --tls-key; or --insecure behind a proxy with TLS, or where nobody can be on the way"
        raise UsageError(f"nothing listens on {listen} without TLS", why, next_step)


def _demand_token(listen: str, *, has_token: bool) -> None:
    if not has_token:
        why = "others could reach it, and nobody could be let in: there is no token yet"
        raise UsageError(f"nothing listens on {listen} without a token", why, "unmasq token add NAME --role see --store DIR --file FILE")
