"""Netlink's framing: messages in a datagram, attributes in a message. Pure functions of bytes.

Everything is bounded by the length of its input and raises nothing but `Malformed`, whatever the bytes are.
Source: linux/netlink.h. Numbers of the framing are in the machine's byte order, as the kernel writes them.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 0x1
NLM_F_MULTI = 0x2
NLM_F_DUMP_INTR = 0x10
NLM_F_DUMP = 0x300
NLM_F_CREATE = 0x400

_MESSAGE = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_LENGTH = struct.Struct("=I")
HEADER_BYTES, ATTRIBUTE_BYTES = _MESSAGE.size, _ATTRIBUTE.size
_ERRNO = struct.Struct("=i")
Place: TypeAlias = tuple[int, int, int]
"""Where an attribute's value stands: its type, its first byte, its size. A plain tuple, since there is one an attribute."""

_TYPE = 0x3FFF  # the two bits above say "nested" and "network byte order"; we know that from the type


class Malformed(Exception):
    """These bytes are not what the kernel sends; callers count it and go on with the next message."""


class Message(NamedTuple):
    """A message's header and its payload, without the padding."""

    kind: int
    flags: int
    sequence: int
    payload: bytes


def split(datagram: bytes) -> tuple[list[bytes], bool]:
    """The whole messages of one datagram, headers included, and whether they are all of it: a length may lead outside."""
    found: list[bytes] = []
    at, end = 0, len(datagram)
    if end >= _MESSAGE.size and _LENGTH.unpack_from(datagram)[0] == end:  # as the kernel sends events
        return [datagram], True
    while end - at >= _MESSAGE.size:
        size = _MESSAGE.unpack_from(datagram, at)[0]
        if size < _MESSAGE.size or size > end - at:
            break
        found.append(datagram[at : at + size])
        at += (size + 3) & ~3
    return found, at >= end


def messages(datagram: bytes) -> Iterator[Message]:
    """The messages of one datagram, in order. Raises Malformed where a length leads outside of it."""
    found, is_whole = split(datagram)
    for message in found:
        _, kind, flags, sequence, _ = _MESSAGE.unpack_from(message)
        yield Message(kind, flags, sequence, message[_MESSAGE.size :])
    if not is_whole:
        raise Malformed("a message longer than its datagram, or shorter than its header")


def attributes(data: bytes, start: int = 0) -> dict[int, bytes]:
    """Type -> value of the attributes from `start` on; of a repeated type the last. Raises Malformed."""
    return {kind: data[first : first + size] for kind, first, size in places(data, start)}


def places(data: bytes, start: int = 0, end: int | None = None) -> list[Place]:
    """Where the attributes between `start` and `end` have their values, in order. Raises Malformed."""
    found = []
    at, end = start, len(data) if end is None else end
    while end - at >= _ATTRIBUTE.size:
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if size < _ATTRIBUTE.size or size > end - at:
            raise Malformed("an attribute longer than its message, or shorter than its header")
        found.append((kind & _TYPE, at + _ATTRIBUTE.size, size - _ATTRIBUTE.size))
        at += (size + 3) & ~3
    return found


def dump_request(kind: int, sequence: int, payload: bytes) -> bytes:
    """A message that asks for a whole table."""
    return _MESSAGE.pack(_MESSAGE.size + len(payload), kind, NLM_F_REQUEST | NLM_F_DUMP, sequence, 0) + payload


def error_number(payload: bytes) -> int:
    """The errno in the payload of an NLMSG_ERROR or NLMSG_DONE, positive; 0 for success. Raises Malformed."""
    if len(payload) < _ERRNO.size:
        raise Malformed("an answer without its error number")
    return abs(int(_ERRNO.unpack_from(payload)[0]))
