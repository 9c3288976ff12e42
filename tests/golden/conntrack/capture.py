"""Capture the messages of this folder anew: `python -m tests.golden.conntrack.capture`, as root.

It makes connections through the lab and writes what the kernel says of them, NAME.bin, one datagram a file. What the
rows must be is in expected.json, which is written by hand: beside each capture it prints the same entry as the program
`conntrack` shows it.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import topology as at
from tests.lab.cluster import Lab
from tests.lab.deadline import until
from tests.lab.namespace import socket_in
from tests.unit.observe.captures import EVERYWHERE, SEEN_US
from unmasq.observe import conntrack

HERE = Path(__file__).parent
GROUPS = {"new": 1, "update": 2, "destroy": 3}
ECHO_REQUEST = b"\x08\0\xf7\xfe\0\0\0\1"  # type, code, checksum, id, sequence
SUBSCRIBE = (270, 1)  # SOL_NETLINK, NETLINK_ADD_MEMBERSHIP


def main() -> None:
    """Everything once, in an order in which one thing does not end up in the capture of another."""
    with Lab("umgold", switches=True) as lab:
        lab.network.nat("cluster")
        masqueraded(lab)
        lab.network.nat("local")
        other_protocols(lab)
        lab.network.switches(on=False)
        lab.network.nat("cluster")
        uncounted(lab)


def masqueraded(lab: Lab) -> None:
    with heard(lab, "new") as new, lab.connect("c1", at.NODE, 30080) as connection:
        save("new-tcp4-masquerade", next(new))
        connection.request("/local")
        dumped(lab, "dump-established-masquerade")
        with heard(lab, "update") as updates:
            connection.close()
            save("update", next(updates))
    until(lambda: "TIME_WAIT" in table(lab), "the connection to end")
    dumped(lab, "dump-ended-masquerade")
    with heard(lab, "destroy") as gone:
        lab.network.forget()
        save("destroy-tcp4-masquerade", next(gone))


def other_protocols(lab: Lab) -> None:
    with heard(lab, "new") as new, lab.connect("c1", at.INGRESS_V6, 80) as connection:
        save("new-tcp6", next(new))
        connection.request("/local")
        with socket_in(lab.network.namespace_path("c2"), socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", (at.INGRESS, 53))
            save("new-udp4", next(new))
        with socket_in(lab.network.namespace_path("c2"), socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as pinger:
            pinger.sendto(ECHO_REQUEST, (at.INGRESS, 0))
            save("new-icmp4", next(new))
        dumped(lab, "dump-tcp6-udp4-icmp4")
    for protocol in ("udp", "tcp"):
        with heard(lab, "destroy") as gone:
            family = ["-f", "ipv6"] if protocol == "tcp" else []
            lab.network.run("node", ["conntrack", "-D", *family, "-p", protocol])
            save("destroy-tcp6" if family else "destroy-udp4", next(gone))
    lab.network.forget()


def uncounted(lab: Lab) -> None:
    with heard(lab, "destroy") as gone:
        lab.request("c1", at.NODE, 30080, "/local")
        dumped(lab, "dump-uncounted")
        lab.network.forget()
        save("destroy-uncounted", next(gone))


@contextmanager
def heard(lab: Lab, group: str) -> Iterator[Iterator[bytes]]:
    """The events of one group, as they come."""
    node = lab.network.namespace_path("node")
    with socket_in(node, socket.AF_NETLINK, socket.SOCK_RAW, conntrack.NETLINK_NETFILTER) as listener:
        listener.bind((0, 0))
        listener.setsockopt(*SUBSCRIBE, GROUPS[group])
        listener.settimeout(10)
        yield iter(lambda: listener.recv(1 << 13), b"")


def dumped(lab: Lab, name: str) -> None:
    node = lab.network.namespace_path("node")
    with socket_in(node, socket.AF_NETLINK, socket.SOCK_RAW, conntrack.NETLINK_NETFILTER) as asker:
        asker.send(conntrack.dump_request(1))
        save(name, asker.recv(1 << 16))
    print(table(lab))


def save(name: str, datagram: bytes) -> None:
    (HERE / f"{name}.bin").write_bytes(datagram)
    print(name, *conntrack.parse(datagram, SEEN_US, EVERYWHERE).rows, sep="\n    ")


def table(lab: Lab) -> str:
    return lab.network.run("node", ["conntrack", "-L", "-o", "extended,id,timestamp"]).stdout


if __name__ == "__main__":
    main()
