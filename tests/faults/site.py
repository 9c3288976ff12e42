"""A proxy in a namespace of its own, `unmasq run` as it comes, which watches both, and two clients who mean no harm."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
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
_PATIENCE_SECONDS = 60
_A_SECOND = 20


class Usual:
    """A client that asks for something some times a second, on one connection, while it is entered. `made` counts."""

    def __init__(self, space: str, source: str, forwarded: str = "") -> None:
        self.address, self.made = forwarded or source, 0
        self._header = f"X-Forwarded-For: {forwarded}\r\n" if forwarded else ""
        with inside(Path(space)):
            self._socket = socket.create_connection((PROXY, 80), source_address=(source, 0))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _ask(self) -> None:
        while not self._over.wait(1 / _A_SECOND):
            self._socket.sendall(f"GET /usual HTTP/1.1\r\nHost: shop\r\n{self._header}\r\n".encode())
            assert self._socket.recv(4096).startswith(b"HTTP/1.1 200")
            self.made += 1


class Site:
    """Where it is, who is there, and what watches it."""

    def __init__(self, folder: Path, space: str, log: Path) -> None:
        self.folder, self.space, self.log, self.store = folder, space, log, folder / "store"
        watched = ("--namespace", space, "--listener", f"{PROXY}:80")
        reads = ("--input", str(log), *watched, "--listen", "none", "--trust", EDGE)
        self.program = Program(folder / "said", "run", "--store", str(self.store), *reads)
        self.usual = [Usual(space, f"{CLIENTS}.200.2"), Usual(space, EDGE, "203.0.113.7")]

    @contextmanager
    def asked(self) -> Iterator[Backend]:
        with open_backend(self.store, SystemClock()) as backend:
            yield backend

    @property
    def pid(self) -> int:
        assert self.program.process is not None
        return self.program.process.pid

    def drive(self, kind: str, count: int, a_second: int, connections: int) -> None:
        """A flood of requests, to its end."""
        words = [kind, self.space, str(count), str(a_second), str(connections)]
        self._to_its_end("tests.faults.drive", words)

    def connect(self, a_second: int, seconds: int) -> None:
        """A flood of connections, a request on each, to its end."""
        self._to_its_end("tests.lab.requests", [self.space, str(a_second), str(seconds)])

    def _to_its_end(self, module: str, words: list[str]) -> None:
        subprocess.run([sys.executable, "-m", module, *words], check=True, timeout=600)


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """One that is up, in an empty folder."""
    with ExitStack() as stack:
        space = stack.enter_context(quiet(900))
        made = Site(folder, space, stack.enter_context(proxy(space, folder, keepalive_seconds=900)))
        stack.callback(made.program.kill)
        made.program.start()
        until(lambda: "watching" in made.program.said(), "unmasq run to watch", _PATIENCE_SECONDS)
        for client in made.usual:
            stack.enter_context(client)
        yield made
