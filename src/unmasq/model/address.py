"""One address, one form: whoever reads an address anywhere in the program reads it here.

An address is a pair (hi, lo) of unsigned 64-bit halves of its 128 bits, IPv4 as v4-mapped IPv6 (::ffff:a.b.c.d). `NONE`,
the unspecified address `::`, stands for "no address": it can be nobody's source.
"""

import ipaddress
import socket
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from unmasq.base.errors import UsageError

NONE: tuple[int, int] = (0, 0)
V4_PREFIX = 0xFFFF << 32
_LOW = (1 << 64) - 1
_MAPPED = (V4_PREFIX >> 32).to_bytes(12, "big")
_LONGEST = 128  # an IPv6 address with zone, brackets, quotes and port is shorter; anything longer is no address


class Range(NamedTuple):
    """An inclusive run of addresses that is one CIDR block; `prefix` counts in 128 bits (IPv4 /24 is 120)."""

    first: tuple[int, int]
    last: tuple[int, int]
    prefix: int

    @property
    def text(self) -> str:
        """CIDR form, canonical: 10.0.0.0/8, 2001:db8::/32; a single address without its prefix."""
        whole = 32 if self.version == 4 else 128
        return to_text(*self.first) if self.bits == whole else f"{to_text(*self.first) or '::'}/{self.bits}"

    @property
    def version(self) -> int:
        """4 or 6."""
        return 4 if is_v4(*self.first) else 6

    @property
    def bits(self) -> int:
        """The prefix as people count it: of 32 for IPv4, of 128 for IPv6."""
        return self.prefix - 96 if self.version == 4 else self.prefix

    @property
    def is_single(self) -> bool:
        """Whether the range holds one address only."""
        return self.first == self.last


def _packed(text: str) -> bytes | None:
    try:
        if ":" in text:
            return socket.inet_pton(socket.AF_INET6, text)
        return _MAPPED + socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):  # ValueError: an embedded NUL or a character outside ASCII
        return None


def _bare(text: str) -> str:
    """The address inside `"…"`, `[…]`, `[…]:port`, `a.b.c.d:port` and `…%zone`."""
    text = text.strip(' \t"')
    if text.startswith("["):
        text = text[1 : text.find("]")] if "]" in text else ""
    elif text.count(":") == 1:
        text = text[: text.index(":")] if text[text.index(":") + 1 :].isdigit() else ""
    return text.split("%", 1)[0]


@lru_cache(maxsize=1 << 16)
def parse(text: str) -> tuple[int, int] | None:
    """The address that a log, header, flag or URL names, as (hi, lo); None where it names none.

    Accepts v4, v6, v4-mapped, brackets, quotes, ports and zones; `unknown`, `_hidden`, `-`, `::` and the empty text are no
    address.
    """
    packed = _packed(text)
    if packed is None:
        packed = _packed(_bare(text)) if len(text) <= _LONGEST else None
        if packed is None:
            return None
    number = int.from_bytes(packed, "big")
    return (number >> 64, number & _LOW) if number else None


def packed(texts: Iterable[str]) -> bytes:
    """`parse` of many texts, plain addresses several times as fast: 16 bytes each, network order, zeros where none is named."""
    found, read = [], socket.inet_pton
    for text in texts:
        try:
            found.append(read(socket.AF_INET6, text) if ":" in text else _MAPPED + read(socket.AF_INET, text))
        except (OSError, ValueError):
            hi, lo = parse(text) or NONE
            found.append((hi << 64 | lo).to_bytes(16, "big"))
    return b"".join(found)


def to_text(hi: int, lo: int) -> str:
    """Canonical text: dotted for v4 and v4-mapped, RFC 5952 for v6. The `NONE` address has the empty text."""
    if is_v4(hi, lo):
        return socket.inet_ntop(socket.AF_INET, (lo & 0xFFFFFFFF).to_bytes(4, "big"))
    if hi == 0 and lo == 0:
        return ""
    return socket.inet_ntop(socket.AF_INET6, ((hi << 64) | lo).to_bytes(16, "big"))


def text_or_none(hi: int, lo: int) -> str | None:
    """Canonical text, or None for `NONE`: what JSON wants."""
    return to_text(hi, lo) or None


def parse_range(text: str) -> Range:
    """An address or a CIDR block as a person writes it; host bits are cleared. Raises UsageError."""
    single = parse(text)
    if single is not None:
        return Range(single, single, 128)
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise _no_range(text, str(error)) from None
    found = of_network(network)
    if found.is_single and found.first == NONE:
        raise _no_range(text, "the unspecified address is nobody's")
    return found


def _no_range(text: str, why: str) -> UsageError:
    return UsageError(f"not an address or range: {text!r}", why, "write it like 203.0.113.9, 10.0.0.0/8 or 2001:db8::/32")


def of_network(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Range:
    """The range of a stdlib network; a v6 block inside ::ffff:0:0/96 is the v4 block that it maps."""
    offset = V4_PREFIX if network.version == 4 else 0
    first, last = int(network.network_address) + offset, int(network.broadcast_address) + offset
    prefix = network.prefixlen + (96 if network.version == 4 else 0)
    return Range((first >> 64, first & _LOW), (last >> 64, last & _LOW), prefix)


def is_v4(hi: int, lo: int) -> bool:
    """Whether an address is one of IPv4."""
    return hi == 0 and lo >> 32 == V4_PREFIX >> 32


def single(hi: int, lo: int) -> Range:
    """The range of one address."""
    return Range((hi, lo), (hi, lo), 128)


def is_confined(hi: int, lo: int) -> bool:
    """Whether an address means something only within one machine or on one link, so that many have it: 127.0.0.1, ::1, fe80::1."""
    if (hi, lo) == NONE:
        return True
    found = ipaddress.ip_address(to_text(hi, lo))
    return found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified


def around(address: Range) -> Range:
    """The neighbourhood of an address: its /24, or its /64 for IPv6, where mostly one operator has all of it."""
    return parse_range(f"{to_text(*address.first)}/{24 if address.version == 4 else 64}")
