"""Messages about TCP sockets, as rows and as a ConnectionBatch. Pure.

A socket tells what the proxy sees: no translation, no start, but its end at once, and where no connection tracking is.
Source: linux/inet_diag.h, linux/sock_diag.h and linux/tcp.h. Ports and addresses are big endian, the rest is in the
machine's byte order. tcp_info grows at its end with the kernel; what is read here is in it since Linux 4.2.

Bytes are those of the application, acknowledged by the other end or received from it; the kernel counts a FIN as one.
"""

import socket
import struct
from collections.abc import Container, Sequence
from functools import partial

from unmasq.model.address import V4_PREFIX
from unmasq.model.connection import TCP, ConnectionBatch, ConnectionEvent, Witnessed
from unmasq.observe import netlink
from unmasq.observe.netlink import Malformed, attributes
from unmasq.observe.rows import Parsed, Row, as_batch, gathered

NETLINK_SOCK_DIAG = 4
GROUP_TCP_DESTROY, GROUP_TCP6_DESTROY = 1, 3

_SOCK_DIAG_BY_FAMILY = 20
_DIAG_INFO, _DIAG_PROTOCOL = 2, 10
_REQUEST = struct.Struct("=BBBBI48x")  # inet_diag_req_v2: family, protocol, extensions, states; no socket in particular
_WANT_TCP_INFO = 1 << (_DIAG_INFO - 1)
_STATES = sum(1 << state for state in (1, 4, 5, 8, 9, 11))  # ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK, CLOSING

HEAD = struct.Struct("!BBxxHH")  # inet_diag_msg: family, state; ports, our own first
V4_ENDS, V6_ENDS = struct.Struct("!I12xI"), struct.Struct("!QQQQ")
COOKIE = struct.Struct("=II")
ENDS_AT, COOKIE_AT, MESSAGE_BYTES = 8, 44, 72
COUNTS = struct.Struct("=QQII")  # tcp_info: bytes acknowledged and received, segments out and in
COUNTS_AT = 120
_LARGEST = (1 << 63) - 1  # of an i8 column


def parse(datagram: bytes, seen_us: int, listeners: Container[tuple[int, int, int]]) -> Parsed:
    """The sockets in a datagram that was read at `seen_us`: those of a dump, or those that were closed. Never raises.

    Only sockets whose own end is one of the `listeners` (address hi, lo, port) become rows; the original tuple is the
    reversed reply tuple. What is no message about a socket is passed over.
    """
    return gathered(datagram, _event, lambda payload, event: _row(payload, event, seen_us, listeners))


def batch(rows: Sequence[Row]) -> ConnectionBatch:
    """The rows as columns."""
    return as_batch(rows, Witnessed.SOCKET)


def dump_request(family: int, sequence: int) -> bytes:
    """A message that asks for every connected TCP socket of an address family, with its counters."""
    return netlink.dump_request(_SOCK_DIAG_BY_FAMILY, sequence, _REQUEST.pack(family, TCP, _WANT_TCP_INFO, 0, _STATES))


DUMP_REQUESTS = tuple(partial(dump_request, family) for family in (socket.AF_INET, socket.AF_INET6))
"""What asks for all of them: a dump is of one family."""


def _event(message: netlink.Message) -> ConnectionEvent | None:
    if message.kind != _SOCK_DIAG_BY_FAMILY:
        return None
    return ConnectionEvent.DUMP if message.flags & netlink.NLM_F_MULTI else ConnectionEvent.DESTROY


def _row(payload: bytes, event: ConnectionEvent, seen_us: int, listeners: Container[tuple[int, int, int]]) -> Row | None:
    """The row of one socket; None where it is no connection to one of the listeners. Raises Malformed."""
    try:
        family, _, port, peer_port = HEAD.unpack_from(payload)
        own, peer = _ends(family, payload)
        if (*own, port) not in listeners or not peer_port:
            return None
        values = attributes(payload, MESSAGE_BYTES)
        if values.get(_DIAG_PROTOCOL, b"\x06") != b"\x06":
            return None
        counts = _counts(values.get(_DIAG_INFO, b""))
        stop_us = seen_us if event is ConnectionEvent.DESTROY else 0
        cookie = COOKIE.unpack_from(payload, COOKIE_AT)[0]
    except struct.error as error:
        raise Malformed("a message that is too short for a socket") from error
    ours, theirs = (*own, port), (*peer, peer_port)
    return (event, cookie, TCP, *theirs, *ours, *ours, *theirs, 0, stop_us, seen_us, *counts)


def _ends(family: int, payload: bytes) -> tuple[tuple[int, int], tuple[int, int]]:
    """Our own address and the other end's; one of IPv4 is the same whichever family its socket has."""
    if family == socket.AF_INET:
        own, peer = V4_ENDS.unpack_from(payload, ENDS_AT)
        return (0, V4_PREFIX | own), (0, V4_PREFIX | peer)
    if family == socket.AF_INET6:
        own_hi, own_lo, peer_hi, peer_lo = V6_ENDS.unpack_from(payload, ENDS_AT)
        return (own_hi, own_lo), (peer_hi, peer_lo)
    raise Malformed("a socket of a family that was not asked for")


def _counts(info: bytes) -> tuple[int, int, int, int]:
    """(bytes to the proxy, bytes back, segments to the proxy, segments back); -1 where the kernel does not count."""
    if len(info) < COUNTS_AT + COUNTS.size:
        return -1, -1, -1, -1
    acknowledged, received, segments_out, segments_in = COUNTS.unpack_from(info, COUNTS_AT)
    if max(acknowledged, received) > _LARGEST:
        raise Malformed("a counter beyond 63 bits")
    return received, acknowledged, segments_in, segments_out
