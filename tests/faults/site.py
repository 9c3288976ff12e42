"""A proxy in a namespace of its own, `unmasq run` as it comes, which watches both, and two clients who mean no harm."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from tests.crash.shipping import Program
from tests.lab.busy import proxy, quiet
from tests.lab.deadline import until
from tests.lab.namespace import inside
from tests.lab.requests import CLIENTS, PROXY
from unmasq.base.clock import SystemClock
from unmasq.serve.backend import open_backend
from unmasq.serve.protocol import Backend

EDGE = f"{CLIENTS}.200.1"
"""A trusted proxy."""
READ, UNREAD, UNESCAPED = 80, 81, 82
"""Ports of the proxy: whose log is read, and whose connections are watched; where the same costs us nothing; and whose log, beside
the others, has what a client wrote as it came."""

_WATCHES = "watching"  # it says so
_PATIENCE_SECONDS = 60
_MOST_SECONDS = 900
_A_SECOND = 20


class Usual:
    """A client that asks for something some times a second, on one connection, while it is entered. `made` counts."""

    def __init__(self, space: str, source: str, forwarded: str = "") -> None:
        self.address, self.made = forwarded or source, 0
        self._header = f"X-Forwarded-For: {forwarded}\r\n" if forwarded else ""
        with inside(Path(space)):
            self._socket = socket.create_connection((PROXY, READ), source_address=(source, 0))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.rest()
        self._socket.close()

    def rest(self) -> None:
        """Ask no more; `made` is final."""
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(1 / _A_SECOND):
            self._socket.sendall(f"GET /usual HTTP/1.1\r\nHost: shop\r\n{self._header}\r\n".encode())
            assert self._socket.recv(4096).startswith(b"HTTP/1.1 200")
            self.made += 1


class Site:
    """Where it is, who is there, and what watches it. `more` are logs that are read beside the proxy's."""

    def __init__(self, folder: Path, space: str, log: Path, more: Sequence[Path]) -> None:
        self.folder, self.space, self.logs, self.store = folder, space, [log, *more], folder / "store"
        inputs = [word for path in self.logs for word in ("--input", str(path))]
        watched = ("--namespace", space, "--listener", f"{PROXY}:{READ}", "--listen", "none", "--trust", EDGE)
        self.program = Program(folder / "said", "run", "--store", str(self.store), *inputs, *watched)
        self.usual = [Usual(space, f"{CLIENTS}.200.2"), Usual(space, EDGE, "203.0.113.7")]

    def begin(self) -> None:
        """Start what watches, and wait until it does."""
        before = self.program.said().count(_WATCHES) if self.program.process else 0
        self.program.start()
        until(lambda: self.program.said().count(_WATCHES) > before, "unmasq run to watch", _PATIENCE_SECONDS)

    @contextmanager
    def asked(self) -> Iterator[Backend]:
        """Whoever answers, as long as that is wanted."""
        with open_backend(self.store, SystemClock()) as backend:
            yield backend

    @property
    def pid(self) -> int:
        assert self.program.process is not None
        return self.program.process.pid

    def connect(self, a_second: int, seconds: int, port: int = READ) -> None:
        """Connections, a request on each, to their end."""
        _to_its_end("tests.lab.requests", self.space, str(a_second), str(seconds), str(port))

    def drive(self, kind: str, count: int, a_second: int, connections: int, port: int = READ) -> None:
        """Requests on some kept connections, to their end."""
        _to_its_end("tests.faults.drive", kind, self.space, str(port), str(count), str(a_second), str(connections))


def _to_its_end(module: str, *words: str) -> None:
    """A load as a process of its own."""
    subprocess.run([sys.executable, "-m", module, *words], check=True, timeout=_MOST_SECONDS)


@contextmanager
def site(folder: Path, more: Sequence[Path] = ()) -> Iterator[Site]:
    """One that is up, in an empty folder."""
    with ExitStack() as stack:
        space = stack.enter_context(quiet(900))
        made = Site(folder, space, stack.enter_context(proxy(space, folder, keepalive_seconds=900)), more)
        stack.callback(made.program.kill)
        made.begin()
        for client in made.usual:
            stack.enter_context(client)
        yield made
