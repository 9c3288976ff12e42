"""HTTP from inside a namespace: one connection, many requests, and header bytes that go out as they are.

The sockets are made in the namespace and used from here, so a client costs no process.
"""

import socket
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from .namespace import socket_in

Text = str | bytes
"""Bytes go out untouched, a text as UTF-8."""
IPV6_FREEBIND = 78


class Response(NamedTuple):
    """An answer, and which end of the connection asked for it."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    local_address: str
    local_port: int


class Connection:
    """One TCP connection from a namespace, kept alive between requests. Usable with `with`.

    `source` is any address of the host or of its pool. After `close` the connection is gone; with `reset` it
    ends by RST, so that nothing lingers and `source_port` can be used again at once.
    """

    def __init__(self, namespace: Path, address: str, port: int, *, source: str | None = None, source_port: int = 0) -> None:
        self.peer = (address, port)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket_in(namespace, family)
        self._socket.settimeout(10)
        try:
            if source or source_port:
                self._bind(source or ("::" if family == socket.AF_INET6 else "0.0.0.0"), source_port)
            self._socket.connect(self.peer)
        except BaseException:
            self._socket.close()
            raise
        self.local_address, self.local_port = self._socket.getsockname()[:2]
        self._answers = self._socket.makefile("rb")

    def request(
        self, path: str = "/", headers: Iterable[tuple[Text, Text]] = (), *, method: str = "GET", raw: bytes | None = None
    ) -> Response:
        """Ask and wait for the answer. `raw` replaces the whole request, line and headers, by these bytes."""
        self.send(raw if raw is not None else self._request(method, path, headers))
        return self.answer(bodiless=method == "HEAD")

    def send(self, data: bytes) -> None:
        """Send bytes as they are: a PROXY header before the first request, half a request, several at once."""
        self._socket.sendall(data)

    def answer(self, *, bodiless: bool = False) -> Response:
        """The next answer on this connection. ConnectionError when the server closed it instead."""
        line = self._answers.readline()
        if not line:
            raise ConnectionError(f"{self.peer} closed the connection without an answer")
        status = int(line.split(None, 2)[1])
        headers = dict(self._headers())
        body = b"" if bodiless or status in (204, 304) else self._body(headers)
        return Response(status, headers, body, self.local_address, self.local_port)

    def receive(self, count: int) -> bytes:
        """Exactly so many bytes, for those who speak something else than HTTP/1. ConnectionError at the end."""
        data = self._answers.read(count)
        if len(data) < count:
            raise ConnectionError(f"{self.peer} closed the connection")
        return data

    def close(self) -> None:
        """End the connection in the normal way (FIN)."""
        self._answers.close()
        self._socket.close()

    def reset(self) -> None:
        """End it at once (RST)."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _bind(self, source: str, source_port: int) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ":" in source:  # an address of a pool is not on an interface, which IPv6 wants
            self._socket.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        self._socket.bind((source, source_port))

    def _request(self, method: str, path: str, headers: Iterable[tuple[Text, Text]]) -> bytes:
        address, port = self.peer
        host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: " + host.encode()]
        lines += [as_bytes(name) + b": " + as_bytes(value) for name, value in headers]
        return b"\r\n".join([*lines, b"", b""])

    def _headers(self) -> Iterable[tuple[str, str]]:
        while line := self._answers.readline().rstrip(b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            yield name.strip().lower(), value.strip()

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            return b"".join(self._chunks())
        return self._answers.read(int(headers["content-length"]) if "content-length" in headers else -1)

    def _chunks(self) -> Iterable[bytes]:
        while size := int(self._answers.readline().split(b";")[0], 16):
            yield self._answers.read(size)
            self._answers.readline()
        list(self._headers())


def as_bytes(text: Text) -> bytes:
    """What goes over the wire for a text."""
    return text if isinstance(text, bytes) else text.encode()
