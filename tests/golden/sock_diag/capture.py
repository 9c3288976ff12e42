"""Capture the messages of this folder anew: `python -m tests.golden.sock_diag.capture`, as root.

It makes connections to the lab's proxy and writes what the kernel says of its sockets, NAME.bin, one datagram a file.
What the rows must be is in expected.json, which is written by hand: beside each capture it prints what `ss` shows, and
how many bytes the client sent and got.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import topology as at
from tests.lab.cluster import Lab
from tests.lab.namespace import socket_in
from unmasq.observe import sock_diag

HERE = Path(__file__).parent
SUBSCRIBE = (270, 1)  # SOL_NETLINK, NETLINK_ADD_MEMBERSHIP
WAYS = {"tcp4": (at.INGRESS, 80), "tcp6": (at.INGRESS_V6, 80), "mapped": (at.INGRESS, 8084)}
REQUEST = b"GET /local HTTP/1.1\r\nHost: x\r\n\r\n"


def main() -> None:
    """An open and a closed socket of each kind."""
    with Lab("umdiag") as lab:
        for name, (to, port) in WAYS.items():
            with closed(lab) as ends, lab.connect("c1", to, port) as connection:
                connection.send(REQUEST)
                print(name, connection.local_port, f"{len(REQUEST)} bytes sent", connection.answer())
                dumped(lab, f"dump-{name}", socket.AF_INET if name == "tcp4" else socket.AF_INET6)
                connection.close()
                save(f"destroy-{name}", next(ends))
        dumped(lab, "dump-none", socket.AF_INET)


@contextmanager
def closed(lab: Lab) -> Iterator[Iterator[bytes]]:
    """The ends of the proxy's sockets, as they come."""
    with asking(lab) as listener:
        listener.bind((0, 0))
        for group in (sock_diag.GROUP_TCP_DESTROY, sock_diag.GROUP_TCP6_DESTROY):
            listener.setsockopt(*SUBSCRIBE, group)
        listener.settimeout(10)
        yield iter(lambda: listener.recv(1 << 13), b"")


def dumped(lab: Lab, name: str, family: int) -> None:
    with asking(lab) as asker:
        asker.send(sock_diag.dump_request(family, 1))
        save(name, asker.recv(1 << 16))
    print(lab.network.run("ingress", ["ss", "-tinH", "state", "established"]).stdout)


def asking(lab: Lab) -> socket.socket:
    return socket_in(lab.network.namespace_path("ingress"), socket.AF_NETLINK, socket.SOCK_RAW, sock_diag.NETLINK_SOCK_DIAG)


def save(name: str, datagram: bytes) -> None:
    (HERE / f"{name}.bin").write_bytes(datagram)
    print(name, len(datagram), "bytes")


if __name__ == "__main__":
    main()
