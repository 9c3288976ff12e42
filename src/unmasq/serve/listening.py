"""An app on a socket, served by a thread of its own beside the work of the process."""

import socket
import ssl
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from unmasq.base.errors import Unreachable, UsageError
from unmasq.base.telemetry import Counters
from unmasq.serve.patience import Crowd, Patient

_PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Tls:
    """Files with a server's certificate (and what vouches for it), and its key."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """Raises UsageError for files that are no certificate with its key."""
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            why = str(error.strerror or error)
            raise UsageError(f"cannot use {self.certificate} with {self.key}", why, "name a certificate and its key, both PEM") from None


class Listening:
    """Answers on a bound socket while it is entered; the socket is closed at the end."""

    def __init__(self, app: ASGIApp, listener: socket.socket, tls: Tls | None = None, counters: Counters | None = None) -> None:
        """`counters` as `Crowd`; without any nobody is told."""
        # Nothing is logged here: an answer says what went wrong, and whoever runs this has a log of its own.
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # who asks is who connected: headers are anybody's to write
            lifespan="off",
            http=partial(Patient, crowd=Crowd(counters or Counters())),  # type: ignore[arg-type]  # it is called, and nothing else
            ws="none",
            timeout_graceful_shutdown=2,
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
        )
        self._server, self._listener = uvicorn.Server(config), listener
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="unmasq-http", daemon=True)

    def __enter__(self) -> Self:
        """Raises Unreachable where it does not start."""
        self._thread.start()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.__exit__()
                raise Unreachable("the API did not start", "its server ended or is stuck", "start this program again")
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(_PATIENCE_SECONDS)
        self._listener.close()


def tcp(host: str, port: int) -> socket.socket:
    """A socket that listens on an address, IPv4 or IPv6; port 0 is any free one. Raises Unreachable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends without delay only on sockets that name their protocol; else each answer waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise Unreachable(
            f"cannot listen on {host} port {port}", str(error.strerror), "name an address of this machine, a free port"
        ) from None
    return listener
