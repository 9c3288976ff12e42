"""Whoever opens connections and asks nothing, or slowly: others are answered, what he holds is bounded, and it is counted."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.lab.deadline import until
from tests.story.served import Served, unmasq
from unmasq.serve.patience import MOST_SILENT

MANY = 3 * MOST_SILENT
SOON_SECONDS = 3.0
"""In which whoever asks is answered, on a machine that is busy with other tests, too."""


@pytest.fixture
def served(tmp_path) -> Iterator[Served]:
    with Served(tmp_path, "serve", "--listen", "127.0.0.1:0") as program:
        program.link()
        yield program


@pytest.fixture
def port(served) -> int:
    return int(served.link().partition("/login")[0].rpartition(":")[2])


def metric(served: Served, name: str) -> float:
    made = unmasq("token", "add", f"m{time.monotonic_ns()}", "--role", "see", "--store", str(served.store))
    with served.browser() as asking:
        shown = asking.get("/metrics", headers={"authorization": f"Bearer {made.stdout.strip()}"}).text
    return next((float(line.split()[-1]) for line in shown.splitlines() if line.startswith(f"unmasq_{name} ")), 0)


def opened(served: Served) -> int:
    """Descriptors that the program has."""
    return len(list(Path(f"/proc/{served.process.pid}/fd").iterdir()))


def slowest(served: Served, times: int = 5) -> float:
    """How long the slowest answer took to somebody who comes anew each time."""
    took = []
    for _ in range(times):
        began = time.monotonic()
        with served.browser() as asking:
            assert asking.get("/healthz").status_code == 200
        took.append(time.monotonic() - began)
    return max(took)


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-", b"POST /api/v1/batches HTTP/1.1\r\nHost: localhost\r\n"],
    ids=["silent", "half a head", "half an upload"],
)
def test_connections_without_a_request_take_nobodys_place(served, port, begun):
    before = opened(served)
    with ExitStack() as stack:
        for _ in range(MANY):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            with suppress(OSError):  # hung up on already
                connection.sendall(begun)
        until(lambda: opened(served) <= before + MOST_SILENT + 20, "the oldest to be hung up on")
        assert slowest(served) < SOON_SECONDS
        assert metric(served, 'http_hung_up_total{reason="crowded"}') >= MANY - MOST_SILENT


def test_heads_that_come_by_the_byte_take_nobodys_place(served, port):
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 50
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)) for _ in range(MOST_SILENT)]
        for place in range(60):
            for connection in held:
                with suppress(OSError):
                    connection.sendall(head[place : place + 1])
            if place % 20 == 0:
                assert slowest(served, 1) < SOON_SECONDS
        assert opened(served) <= MOST_SILENT + 100


def test_bodies_that_stall_take_nobodys_place(served, port):
    """Of whoever logs in, since nobody else's is waited for: each has a minute."""
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nto"
    with ExitStack() as stack:
        for _ in range(MOST_SILENT):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            connection.sendall(head)
        assert slowest(served) < SOON_SECONDS


def test_answers_that_nobody_reads_take_nobodys_place(served, port):
    ask = b"GET /static/app.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50
    with ExitStack() as stack:
        for _ in range(50):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            connection.connect(("127.0.0.1", port))
            connection.setblocking(False)
            with suppress(OSError):
                connection.send(ask)
        assert slowest(served) < SOON_SECONDS
