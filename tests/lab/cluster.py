"""The whole lab, started: the network with its ingress, backend and edge, and requests through it."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from .client import Connection, Response, Text
from .network import Network
from .proxies import Backend, Edge, Nginx


class Lab:
    """Network, nginx, edge and backend from `with` to its end. The arguments are those of the parts."""

    def __init__(
        self,
        prefix: str | None = None,
        *,
        switches: bool = False,
        state: Path | None = None,
        extra_formats: Mapping[str, str] | None = None,
        edge_reuse: str = "never",
    ) -> None:
        self.network = Network(prefix, switches=switches, state=state)
        self.backend = Backend(self.network)
        self.nginx = Nginx(self.network, extra_formats)
        self.edge = Edge(self.network, edge_reuse)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for part in (self.network, self.backend, self.nginx, self.edge):
                stack.enter_context(part)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, trace)

    def connect(self, host: str, address: str, port: int = 80, *, source: str | None = None, source_port: int = 0) -> Connection:
        """A connection from `host` to a numeric address, v4 or v6."""
        return Connection(self.network.namespace_path(host), address, port, source=source, source_port=source_port)

    def request(
        self,
        host: str,
        address: str,
        port: int = 80,
        path: str = "/",
        headers: Iterable[tuple[Text, Text]] = (),
        *,
        source: str | None = None,
        source_port: int = 0,
        raw: bytes | None = None,
    ) -> Response:
        """One request on a connection of its own."""
        with self.connect(host, address, port, source=source, source_port=source_port) as connection:
            return connection.request(path, headers, raw=raw)
