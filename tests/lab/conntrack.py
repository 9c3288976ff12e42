"""The kernel's record of connections as the program `conntrack` shows it: a second witness beside unmasq's own.

Debian package: conntrack.
"""

import re
from typing import NamedTuple

from .network import Network


class Tuple(NamedTuple):
    """Two ends of a connection in one direction."""

    source: str
    source_port: int
    destination: str
    destination_port: int


class Entry(NamedTuple):
    """One TCP connection: as its opener sent it, and as the answers travel. Bytes are -1 without `acct`."""

    id: int
    original: Tuple
    reply: Tuple
    bytes_original: int
    bytes_reply: int

    @property
    def as_accepted(self) -> Tuple:
        """The reversed reply tuple: what the program that accepted the connection saw, whatever was translated."""
        reply = self.reply
        return Tuple(reply.destination, reply.destination_port, reply.source, reply.source_port)


def entries(network: Network, host: str = "node") -> list[Entry]:
    """Every TCP connection in a host's table, both families."""
    listed = network.run(host, ["conntrack", "-L", "-p", "tcp", "-o", "id,extended"]).stdout
    return [_entry(line) for line in listed.splitlines() if " tcp " in line]


def accepted_as(network: Network, seen: Tuple, host: str = "node") -> list[Entry]:
    """The entries whose reversed reply tuple is what the proxy saw."""
    return [entry for entry in entries(network, host) if entry.as_accepted == seen]


def _entry(line: str) -> Entry:
    ends = re.findall(r"src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)", line)
    original, reply = (Tuple(source, int(sport), to, int(dport)) for source, to, sport, dport in ends)
    counted = [int(number) for number in re.findall(r"bytes=(\d+)", line)] or [-1, -1]
    number = re.search(r" id=(\d+)", line)
    return Entry(int(number[1]) if number else -1, original, reply, *counted)
