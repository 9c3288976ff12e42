"""Whoever has a collector's socket instead of the node: it may answer anything, or nothing, and takes nothing away."""

import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.lab.deadline import until
from tests.story.peers import Collecting, Node, line, short_folder, write

LINES = [line(number) for number in range(50)]
MOST_MEMORY_KB = 150_000


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        (folder / "run/mount/pod-1").mkdir(parents=True)
        write(folder / "log", *LINES)
        yield folder


def noise(connection: socket.socket) -> None:
    connection.sendall(secrets.token_bytes(1 << 16))


def frames_without_end(connection: socket.socket) -> None:
    """The beginning of HTTP/2, and then frames of a kind that must be ignored, as long as anybody takes them."""
    connection.sendall(b"\0\0\0\x04\0\0\0\0\0")
    for _ in range(1000):
        connection.sendall((b"\x00\x40\x00\xee\0\0\0\0\0" + bytes(1 << 14)) * 8)


def silence(connection: socket.socket) -> None:
    while connection.recv(1 << 16):
        pass


def hang_up(connection: socket.socket) -> None:
    connection.close()


@contextmanager
def answering(path: Path, answer: Callable[[socket.socket], None]) -> Iterator[list[int]]:
    """Somebody on the socket, who answers everybody in that way; how many came."""
    came: list[int] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            answer(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                came.append(1)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        threading.Thread(target=accept, daemon=True).start()
        yield came
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def speaking(path: Path, answer: bytes) -> Iterator[list[int]]:
    """A server of our own calls, whose every message is the same."""
    came: list[int] = []

    def reply(_data: bytes, _context: grpc.ServicerContext) -> bytes:
        came.append(1)
        return answer

    def send(requests: Iterator[bytes], _context: grpc.ServicerContext) -> Iterator[bytes]:
        came.append(1)
        yield answer
        for _ in requests:
            yield answer

    one: Any = grpc.unary_unary_rpc_method_handler(reply)
    many: Any = grpc.stream_stream_rpc_method_handler(send)
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((
        grpc.method_handlers_generic_handler("felix.PolicySync", {"Report": one}),
        grpc.method_handlers_generic_handler("unmasq.v1.Lines", {"Send": many, "Greet": one}),
    ))  # fmt: skip
    server.add_insecure_port(f"unix:{path}")
    server.start()
    try:
        yield came
    finally:
        server.stop(None).wait()


TAKING = "messages that say nothing"
"""As a node does to which nothing was committed yet."""
HOSTILE = {
    "noise": lambda path: answering(path, noise),
    "frames without end": lambda path: answering(path, frames_without_end),
    "silence": lambda path: answering(path, silence),
    "hanging up": lambda path: answering(path, hang_up),
    "messages that are none": lambda path: speaking(path, b"\xff\xff\xff"),
    "messages that are too long": lambda path: speaking(path, bytes(5 << 20)),
    TAKING: lambda path: speaking(path, b""),
}


def memory_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(row.split()[1] for row in status.splitlines() if row.startswith("VmRSS")))


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_whatever_was_answered_before_the_node_gets_every_line_once(folder, hostile):
    path = folder / "run/mount/pod-1/socket"
    with Collecting(folder / "log", path) as collecting:
        with hostile(path) as came:
            until(lambda: came, "it to be asked", 30)
            until(lambda: collecting.metric("collector_disconnected") or hostile is HOSTILE[TAKING], "it to be given up", 30)
            assert collecting.process.poll() is None
            assert memory_kb(collecting.process.pid) < MOST_MEMORY_KB
        path.unlink(missing_ok=True)
        with Node(folder / "run") as node:
            until(lambda: len(node.lines()) == len(LINES), "every line", 90)
            assert node.lines() == LINES


@pytest.mark.parametrize("place", ["a file", "a link to a socket of somebody else", "a folder"])
def test_what_is_no_socket_is_waited_for(folder, place):
    path = folder / "run/mount/pod-1/socket"
    if place == "a file":
        path.write_text("x")
    elif place == "a folder":
        path.mkdir()
    else:
        path.symlink_to(folder / "nowhere")
    with Collecting(folder / "log", path) as collecting:
        until(lambda: collecting.metric("collector_disconnected") >= 2, "two attempts", 30)
        path.rmdir() if path.is_dir() else path.unlink()
        with Node(folder / "run") as node:
            until(lambda: len(node.lines()) == len(LINES), "every line", 60)
            assert node.lines() == LINES
