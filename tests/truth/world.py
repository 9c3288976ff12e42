"""Who appears in a generated log: clients, attackers, our proxies, and the addresses that liars invent.

Each kind has a part of its own of the address space that nobody owns, so that a log looks real and names no real machine.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

TRUST = ("203.0.113.0/25", "192.0.2.0/24", "10.20.0.0/16", "2001:db8:ed6e::/48")
"""The ranges of all our proxies, as a user declares them: edge, CDN, inner, and the edge of IPv6."""

_IPV6 = (3, 11, 19)
"""Of each 25 clients: 12 %, and none of the three that ask most."""


def canonical(text: str) -> str:
    """The one form of an address: IPv4 where it is mapped, RFC 5952 otherwise."""
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def client(number: int) -> str:
    """The address of the client with this number: 240.0.0.0/5 or, for some, 2001:db8:c::/48."""
    mixed = number * 0x9E3779B1 % (1 << 27)  # an odd factor: no two numbers below 2**27 share an address
    if number % 25 in _IPV6:
        return f"2001:db8:c::{mixed >> 16:x}:{(mixed & 0xFFFF) + 1:x}"
    return _dotted(0xF0000000 | mixed)


def attacker(number: int) -> str:
    """The address of one of the attackers, from 0."""
    return f"2001:db8:a::{number + 1:x}" if number % 8 == 7 else f"198.51.100.{number + 1}"


def invented(number: int) -> str:
    """An address that nobody has, for a header: 248.0.0.0/6 or 2001:db8:f::/48."""
    mixed = number * 0x9E3779B1 % (1 << 26)
    return f"2001:db8:f::{mixed + 1:x}" if number % 9 == 8 else _dotted(0xF8000000 | mixed)


def _dotted(number: int) -> str:
    return ".".join(str(byte) for byte in number.to_bytes(4, "big"))


def as_is(address: str, _: random.Random) -> str:
    """How most proxies write whom they saw."""
    return address


def with_port(address: str, rng: random.Random) -> str:
    """`ip:port` and `[v6]:port`: odd, but some cloud balancers write it."""
    port = rng.randint(1024, 65535)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def spelled_out(address: str, _: random.Random) -> str:
    """IPv6 in capitals and with all its zeros."""
    return ip_address(address).exploded.upper()


@dataclass(frozen=True)
class Proxy:
    """A machine of ours that appends whom it saw to X-Forwarded-For."""

    address: str
    sets_real_ip: bool = False
    """Overwrites X-Real-IP where a request comes to our proxies; elsewhere none does."""
    joint: str = ", "
    writes: Callable[[str, random.Random], str] = as_is


CDN = [Proxy(f"192.0.2.{n}", sets_real_ip=n % 4 == 0, joint="," if n % 4 == 0 else ", ") for n in range(1, 9)]
EDGE = [
    *(Proxy(f"203.0.113.{n}", sets_real_ip=n % 2 > 0) for n in range(1, 7)),
    Proxy("2001:db8:ed6e::1"),
    Proxy("2001:db8:ed6e:1::2", writes=spelled_out),
]
INNER = [
    *(Proxy(f"10.20.{n}.{n + 5}") for n in range(12)),
    Proxy("10.20.255.1", writes=with_port),
]
