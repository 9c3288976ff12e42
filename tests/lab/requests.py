"""Requests at a given pace, a connection each: `python -m tests.lab.requests NAMESPACE A_SECOND SECONDS [PORT]`.

They come from 4,096 addresses, so that no port is missed because it was used a minute ago.
"""

import socket
import sys
import time
from collections import deque
from itertools import count

from unmasq.observe.namespace import entered

PROXY, CLIENTS = "192.0.2.10", "198.51"
_TICK_SECONDS = 0.01
_MOST_AT_ONCE = 150
_OPEN_TICKS = 5  # how long an answer may take before it is waited for
_BIND_ADDRESS_NO_PORT = 24  # linux/in.h


def main(space: str, a_second: str, seconds: str, port: str = "80") -> None:
    """As many as are due, every 10 ms: a moment of delay is made up for, as fast as our own descriptors allow."""
    pace, last = int(a_second), float(seconds)
    asked: deque[list[socket.socket]] = deque()
    numbers = count()
    with entered(space):
        began, done = time.monotonic(), 0
        while done < int(pace * last):
            due = min(int((time.monotonic() - began) * pace), int(pace * last)) - done
            asked.append([_asked(next(numbers), int(port)) for _ in range(min(due, _MOST_AT_ONCE))])
            done += len(asked[-1])
            while len(asked) > _OPEN_TICKS:
                _answered(asked.popleft())
            time.sleep(_TICK_SECONDS)
        for some in asked:
            _answered(some)


def _asked(number: int, port: int) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
    client.bind((f"{CLIENTS}.{number >> 8 & 15}.{number & 255}", 0))
    client.connect((PROXY, port))
    client.send(
        b"GET /search?q=%d HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 100.64.%d.%d\r\n\r\n" % (number, number >> 8 & 255, number & 255)
    )
    return client


def _answered(clients: list[socket.socket]) -> None:
    for client in clients:
        if not client.recv(4096).startswith(b"HTTP/1.1 200"):
            raise RuntimeError("the proxy did not answer a request")
        client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
