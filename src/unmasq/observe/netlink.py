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


def messages(datagram: bytes) -> Iterator[Message]:
    """The messages of one datagram, in order. Raises Malformed where a length leads outside of it."""
    at, end = 0, len(datagram)
    while at < end:
        if end - at < _MESSAGE.size:
            raise Malformed("a message shorter than its header")
        size, kind, flags, sequence, _ = _MESSAGE.unpack_from(datagram, at)
        if size < _MESSAGE.size or size > end - at:
            raise Malformed("a message longer than its datagram, or shorter than its header")
        yield Message(kind, flags, sequence, datagram[at + _MESSAGE.size : at + size])
        at += (size + 3) & ~3


def split(datagram: bytes) -> Iterator[bytes]:
    """The messages of one datagram as they stand, headers included. Raises Malformed as `messages` does."""
    at = 0
    for message in messages(datagram):
        size = _MESSAGE.size + len(message.payload)
        yield datagram[at : at + size]
        at += (size + 3) & ~3


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
