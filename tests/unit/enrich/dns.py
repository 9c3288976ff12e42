"""A name server of its own network: `python -m tests.unit.enrich.dns ADDRESS...` asks ReverseNames there and prints what it says.

It runs in a network and a mount namespace, where the system's resolver is told to ask 127.0.0.1.
"""

import ipaddress
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time

from unmasq.base.clock import ManualClock
from unmasq.enrich.names import ReverseNames

PTR, A, AAAA = 12, 1, 28
SLOW_SECONDS = 1.0
REVERSE = {
    "8.8.8.1": "honest.test",
    "8.8.8.2": "liar.test",
    "8.8.8.3": "nowhere.test",
    "8.8.8.4": "<script>alert(1)</script>.test",
    "8.8.8.6": "slow.test",
    "2001:4860::1": "six.test",
    "10.0.0.1": "private.test",
}
FORWARD = {"honest.test": "8.8.8.1", "liar.test": "8.8.8.9", "slow.test": "8.8.8.6", "six.test": "2001:4860::1", "private.test": "10.0.0.1"}
SILENT, SLOW = "8.8.8.5", "8.8.8.6"
POINTERS = {ipaddress.ip_address(ip).reverse_pointer: ip for ip in [*REVERSE, SILENT]}


def question(packet):
    """The name that is asked for, its type, and where the question ends."""
    labels, at = [], 12
    while length := packet[at]:
        labels.append(packet[at + 1 : at + 1 + length].decode("latin-1"))
        at += 1 + length
    return ".".join(labels).lower(), int.from_bytes(packet[at + 1 : at + 3]), at + 5


def written(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def data_of(name, kind):
    """What is known of the name, as it goes into an answer."""
    if kind == PTR and name in POINTERS:
        return written(REVERSE[POINTERS[name]])
    address = ipaddress.ip_address(FORWARD.get(name, "::"))
    return address.packed if name in FORWARD and kind == {4: A, 6: AAAA}[address.version] else None


def answer(server, packet, peer):
    name, kind, end = question(packet)
    ip = POINTERS.get(name)
    if ip == SILENT:
        return
    if ip == SLOW:
        time.sleep(SLOW_SECONDS)
    data = data_of(name, kind)
    known = name in FORWARD or name in POINTERS
    head = packet[:2] + (b"\x85\x80" if known else b"\x85\x83") + b"\0\1" + (b"\0\1" if data else b"\0\0") + b"\0\0\0\0"
    record = b"\xc0\x0c" + kind.to_bytes(2) + b"\0\1\0\0\0\x3c" + len(data).to_bytes(2) + data if data else b""
    server.sendto(head + packet[12:end] + record, peer)


def serve(server):
    while True:
        packet, peer = server.recvfrom(512)
        threading.Thread(target=answer, args=(server, packet, peer), daemon=True).start()


def ask_here():
    """Have the system's resolver ask a server of ours; nothing outside of the namespaces notices."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("nameserver 127.0.0.1\noptions timeout:5 attempts:1\n")
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    threading.Thread(target=serve, args=(server,), daemon=True).start()


def timed(names, ip, **how):
    start = time.monotonic()
    found = names.of(ip, **how)
    return {"name": found and [found.state, found.name, found.is_verified], "seconds": time.monotonic() - start}


def main(addresses):
    ask_here()
    names = ReverseNames(ManualClock(0), timeout_seconds=0.5, threads=3)
    told = {ip: timed(names, ip) for ip in addresses}
    told["again"] = timed(names, "8.8.8.1")
    told["asked for"] = timed(names, "10.0.0.1", is_private_too=True)
    time.sleep(SLOW_SECONDS)
    told["slow, later"] = timed(names, SLOW)
    full = ReverseNames(ManualClock(0), timeout_seconds=0.1, threads=1)
    told["taken"], told["busy"] = timed(full, SILENT), timed(full, "8.8.8.1")
    few = ReverseNames(ManualClock(0), kept=2)
    told["kept"] = [few.of(ip) and len(few._kept) for ip in ("8.8.8.1", "8.8.8.2", "8.8.8.3")]  # noqa: SLF001 - its bound is what is tested
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
