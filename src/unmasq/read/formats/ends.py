"""The two ends of the connection that each line came on, and what a PROXY header on it says beside them.

A proxy that takes HTTPS apart hands the requests to itself over a Unix socket, with a PROXY header that names the connection from
outside (OpenShift's router does). The socket that it logs then has no address. The ends are those of that header: enough to find the
connection in the kernel, but what no socket saw by itself; the lines are marked for it (`source_by`), and `unmasq.unwind.walk` starts
there only if the kernel saw them.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple, Self

import numpy as np

from unmasq.model.columns import Array
from unmasq.read.formats.memory import Addresses
from unmasq.read.formats.values import Values

NO_PORT = -1
"""In place of a port: the value is none."""

PROXY = "proxy_protocol_ip"


class Told(IntEnum):
    """What the PROXY address of a line is."""

    CLAIM = 0
    """Somebody else than the source, or nobody."""
    SOURCE = 1
    """The source itself, so that it says nothing: HAProxy names it where no PROXY header came."""
    INNER = 2
    """What stands for the source, which the socket does not have."""


NOTES: Mapping[int, dict[str, str]] = {
    Told.CLAIM: {},
    Told.SOURCE: {"proxy-protocol": "-"},
    Told.INNER: {"proxy-protocol": "-", "source_by": "proxy-protocol"},
}
"""What a header text says in place of the PROXY address."""


class End(NamedTuple):
    """One end of many connections. Addresses are NONE, and ports 0, where a line has none; NO_PORT for what is no port."""

    hi: Array
    lo: Array
    port: Array

    @classmethod
    def of(cls, values: Mapping[str, Values], length: int, names: tuple[str, str], addresses: Addresses, least: int = 0) -> Self:
        """From the keys of an address and of its port, which is no port below `least`."""
        hi, lo = addresses.columns(values.get(names[0]), length)
        return cls(hi, lo, _ports(values.get(names[1]), length, least))

    def or_else(self, other: Self, rows: Array) -> Self:
        """The other end in these rows."""
        return type(self)(*(np.where(rows, theirs, ours) for ours, theirs in zip(self, other, strict=True)))

    @property
    def is_known(self) -> Array:
        """Where there is an address."""
        return (self.hi | self.lo) > 0


class Ends(NamedTuple):
    """Both ends of each line, and which `Told` its PROXY address is."""

    source: End
    dest: End
    told: Array


def ends_of(values: Mapping[str, Values], length: int, addresses: Addresses) -> Ends:
    """The ends that the values of `length` lines name; a key that is missing was not in the lines."""
    source = End.of(values, length, ("source_ip", "source_port"), addresses, least=1)
    dest = End.of(values, length, ("destination_ip", "destination_port"), addresses)
    if PROXY not in values:
        return Ends(source, dest, np.zeros(length, "u1"))
    proxy = End.of(values, length, (PROXY, "proxy_protocol_port"), addresses)
    inner = ~source.is_known & proxy.is_known if "source_ip" in values else np.zeros(length, "?")
    told = np.where(inner, Told.INNER, np.where(proxy.is_known & (proxy.hi == source.hi) & (proxy.lo == source.lo), Told.SOURCE, 0))
    if inner.any():
        server = End.of(values, length, ("proxy_protocol_server_ip", "proxy_protocol_server_port"), addresses)
        source, dest = source.or_else(proxy, inner), dest.or_else(server, inner)
    return Ends(source, dest, told)


def _ports(values: Values | None, length: int, least: int) -> Array:
    """Port numbers, 0 where the proxy had none, NO_PORT for what is no port: below `least`, or anything else.

    No connection comes from port 0. Apache's mod_remoteip writes it, when it has also taken addresses out of the headers.
    """
    if values is None:
        return np.zeros(length, "i8")
    numbers = values.whole_numbers()
    none = [row for row in np.flatnonzero(numbers < 0).tolist() if values[row] in (b"", b"-")]
    numbers = np.where((least <= numbers) & (numbers < 1 << 16), numbers, NO_PORT)
    numbers[none] = 0
    return numbers
