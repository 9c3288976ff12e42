"""Connections in a namespace at a given pace: `python -m bench.driver KIND NAMESPACE A_SECOND SECONDS`.

`udp` makes conntrack entries by packets, each to another address, and deletes each a second later, so that there are as
many ends as beginnings; `tcp` makes connections and closes them at once.
"""

import socket
import struct
import sys
import time
from collections.abc import Callable
from itertools import count

from unmasq.observe.conntrack import NETLINK_NETFILTER
from unmasq.observe.namespace import entered

PORT, SOURCE_PORT = 9, 9999
_TICK_SECONDS = 0.01
_CT_DELETE = 0x102


def main(kind: str, space: str, a_second: str, seconds: str) -> None:
    """Drive until the time is over."""
    with entered(space):
        _paced({"udp": _udp, "tcp": _tcp}[kind](int(a_second)), int(a_second), float(seconds))


def _paced(step: Callable[[int], None], a_second: int, seconds: float) -> None:
    """As many as are due, every 10 ms: a moment of delay is made up for."""
    began, done = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds or done < a_second * seconds:
        due = min(int(passed * a_second), int(a_second * seconds))
        step(due - done)
        done = due
        time.sleep(_TICK_SECONDS)


def _udp(a_second: int) -> Callable[[int], None]:
    sink, sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("0.0.0.0", PORT))
    sender.bind(("127.0.0.1", SOURCE_PORT))
    asker = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    numbers, made = count(), 0

    def step(some: int) -> None:
        nonlocal made
        for number in (next(numbers) for _ in range(some)):
            sender.sendto(b"x", (_address(number), PORT))
        for number in range(max(0, made - a_second), max(0, made + some - a_second)):
            asker.send(_deletion(_address(number)))
        made += some

    return step


def _address(number: int) -> str:
    return f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def _deletion(address: str) -> bytes:
    """A message that deletes the entry of one packet. Source: linux/netfilter/nfnetlink_conntrack.h."""
    ends = _attribute(1, socket.inet_aton("127.0.0.1")) + _attribute(2, socket.inet_aton(address))
    ports = _attribute(1, b"\x11") + _attribute(2, struct.pack("!H", SOURCE_PORT)) + _attribute(3, struct.pack("!H", PORT))
    body = struct.pack("!BBH", socket.AF_INET, 0, 0) + _attribute(0x8001, _attribute(0x8001, ends) + _attribute(0x8002, ports))
    return struct.pack("=IHHII", 16 + len(body), _CT_DELETE, 1, 0, 0) + body


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def _tcp(_: int) -> Callable[[int], None]:
    server = socket.create_server(("127.0.0.1", PORT), backlog=128)

    def step(some: int) -> None:
        for _ in range(some):
            client = socket.socket()
            client.connect(("127.0.0.1", PORT))
            accepted, _ = server.accept()
            client.close()
            accepted.close()

    return step


if __name__ == "__main__":
    main(*sys.argv[1:])
