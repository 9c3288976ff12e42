"""Requests without pause on a few kept connections: `python -m tests.faults.drive KIND NAMESPACE PORT COUNT A_SECOND CONNECTIONS`.

A process of its own, as whoever floods is: it takes none of the time of those who measure.
"""

import selectors
import socket
import sys
import time
from collections.abc import Callable, Sequence

from tests.lab.requests import CLIENTS, PROXY
from unmasq.observe.namespace import entered

_TICK_SECONDS = 0.01
_ANSWER = b"HTTP/1.1 "
_WIDE = 500
"""Addresses in one long header: about 8 KB, as much as nginx takes in a line."""


def claimed(number: int) -> str:
    """An address that no other number has, outside every range that is special."""
    return f"{20 + (number >> 24)}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _one_claim(number: int) -> str:
    return _request(number, claimed(number))


def _long_claim(number: int) -> str:
    return _request(number, ",".join(claimed(number * _WIDE + each) for each in range(_WIDE)))


def _marked(number: int) -> str:
    """What this project looks for in a line, in every field that a client can write."""
    lie = f'unmasq: {{"source_ip": "{claimed(number)}", "source_port": "1"}}'
    more = "".join(f"{name}: {lie}\r\n" for name in ("X-Real-IP", "Forwarded", "User-Agent", "Referer", "X-Request-ID"))
    return _request(number, lie, lie.replace(" ", "%20"), more)


def _injected(number: int) -> str:
    """Where nothing is escaped, this is a second `source_ip` in the line's object."""
    return _request(number, f'1.1.1.1", "source_ip": "{claimed(number)}')


def _request(number: int, forwarded: str, path: str = "", more: str = "") -> str:
    return f"GET /{number & 1023}/{path} HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: {forwarded}\r\n{more}\r\n"


KINDS: dict[str, Callable[[int], str]] = {"claims": _one_claim, "long": _long_claim, "marked": _marked, "injected": _injected}


def main(kind: str, space: str, port: str, count: str, a_second: str, connections: str) -> None:
    """As many as are due, every 10 ms; ends once each is answered."""
    with entered(space):
        clients = [_client(number, int(port)) for number in range(int(connections))]
    answers = _Answers(clients)
    began, asked, last = time.monotonic(), 0, int(count)
    while asked < last:
        due = min(last, int((time.monotonic() - began) * int(a_second)) + 1)
        for place, client in enumerate(clients):
            text = "".join(KINDS[kind](number) for number in range(asked, due) if number % len(clients) == place)
            answers.send(client, text.encode())
        asked = due
        time.sleep(_TICK_SECONDS)
    while answers.count < last:
        answers.take(1.0)


def _client(number: int, port: int) -> socket.socket:
    client = socket.create_connection((PROXY, port), source_address=(f"{CLIENTS}.0.{number + 1}", 0))
    client.setblocking(False)
    return client


class _Answers:
    """Counts them, and takes them while more is sent: nginx reads nothing of whoever reads nothing."""

    def __init__(self, clients: Sequence[socket.socket]) -> None:
        self.count = 0
        self._tails: dict[socket.socket, bytes] = dict.fromkeys(clients, b"")
        self._selector = selectors.DefaultSelector()
        for client in clients:
            self._selector.register(client, selectors.EVENT_READ)

    def send(self, client: socket.socket, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[client.send(view) :]
            except BlockingIOError:
                self.take(0.001)
        self.take(0)

    def take(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            client = key.fileobj
            assert isinstance(client, socket.socket)
            data = self._tails[client] + client.recv(1 << 20)
            self.count += data.count(_ANSWER)
            self._tails[client] = data[1 - len(_ANSWER) :]


if __name__ == "__main__":
    main(*sys.argv[1:])
