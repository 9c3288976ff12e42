"""Messages of the kernel's connection tracking, as rows and as a ConnectionBatch. Pure.

Source: linux/netfilter/nfnetlink_conntrack.h and nf_conntrack_tcp.h. Numbers inside attributes are big endian.

This is the plain reader, which takes any layout; `unmasq.observe.template` is the fast path beside it.
"""

import socket
import struct
from collections.abc import Container, Sequence

from unmasq.model.address import V4_PREFIX
from unmasq.model.connection import TCP, UDP, ConnectionBatch, ConnectionEvent, Witnessed
from unmasq.observe import netlink
from unmasq.observe.netlink import Malformed, attributes
from unmasq.observe.rows import Parsed, Row, as_batch, gathered

NETLINK_NETFILTER = 12
GROUP_NEW, GROUP_DESTROY = 1, 3

_CT_NEW, _CT_GET, _CT_DELETE = 0x100, 0x101, 0x102  # subsystem 1 << 8 | message
_NFGENMSG = struct.Struct("!BBH")
FAMILY_BYTES = _NFGENMSG.size
_TUPLE_ORIG, _TUPLE_REPLY, _PROTOINFO, _COUNTERS_ORIG, _COUNTERS_REPLY, _ID = 1, 2, 4, 9, 10, 12
_TIMESTAMP, _TIMESTAMP_EVENT = 20, 27
_TUPLE_IP, _TUPLE_PROTO = 1, 2
_V4_SRC, _V4_DST, _V6_SRC, _V6_DST = 1, 2, 3, 4
_PROTO_NUMBER, _SOURCE_PORT, _DESTINATION_PORT = 1, 2, 3
_PACKETS, _BYTES = 1, 2
_START, _STOP = 1, 2
_U16, _U32, _U64, _U128 = struct.Struct("!H"), struct.Struct("!I"), struct.Struct("!Q"), struct.Struct("!QQ")
_LARGEST = (1 << 63) - 1  # of an i8 column

_LAST_ACK, _TIME_WAIT, _CLOSE = 6, 7, 8
ENDED = {_LAST_ACK, _TIME_WAIT, _CLOSE}
"""TCP states in which both sides have said that they send no more; the kernel keeps the entry for up to 120 s."""


def parse(datagram: bytes, seen_us: int, listeners: Container[tuple[int, int, int]]) -> Parsed:
    """The NEW, DESTROY and dumped entries of TCP and UDP in a datagram that was read at `seen_us`. Never raises.

    Only those whose replies come from one of the `listeners` (address hi, lo, port) become rows. Updates and what is no
    conntrack message are passed over.
    """
    return gathered(datagram, _event, lambda payload, event: _row(payload, event, seen_us, listeners))


def batch(rows: Sequence[Row]) -> ConnectionBatch:
    """The rows as columns."""
    return as_batch(rows, Witnessed.CONNTRACK)


def dump_request(sequence: int, family: int = socket.AF_UNSPEC) -> bytes:
    """A message that asks for every entry of an address family, of both unless one is named."""
    return netlink.dump_request(_CT_GET, sequence, _NFGENMSG.pack(family, 0, 0))


def _event(message: netlink.Message) -> ConnectionEvent | None:
    if message.kind == _CT_DELETE:
        return ConnectionEvent.DESTROY
    if message.kind != _CT_NEW:
        return None
    if message.flags & netlink.NLM_F_MULTI:
        return ConnectionEvent.DUMP
    return ConnectionEvent.NEW if message.flags & netlink.NLM_F_CREATE else None


def _row(payload: bytes, event: ConnectionEvent, seen_us: int, listeners: Container[tuple[int, int, int]]) -> Row | None:
    """The row of one entry; None where it is neither TCP nor UDP, or none of ours. Raises Malformed."""
    try:
        values = attributes(payload, _NFGENMSG.size)
        # The reply first: most of a busy node's connections go elsewhere, and it says so.
        reply = _tuple(values[_TUPLE_REPLY])
        if reply is None or reply[1:4] not in listeners:
            return None
        original = _tuple(values[_TUPLE_ORIG])
        if original is None or original[0] != reply[0]:
            raise Malformed("two directions of two protocols")
        return (
            event,
            _U32.unpack(values[_ID])[0],
            *original,
            *reply[1:],
            *_times(values, event, seen_us),
            *_counts(values),
        )
    except (KeyError, struct.error) as error:
        raise Malformed("an attribute is missing or of the wrong size") from error


def _tuple(data: bytes) -> Row | None:
    """(protocol, source hi, lo, port, destination hi, lo, port); None where the protocol has no ports that we know."""
    parts = attributes(data)
    transport = attributes(parts[_TUPLE_PROTO])
    protocol = transport[_PROTO_NUMBER][0] if transport[_PROTO_NUMBER] else 0
    if protocol not in (TCP, UDP):
        return None
    network = attributes(parts[_TUPLE_IP])
    ports = _U16.unpack(transport[_SOURCE_PORT])[0], _U16.unpack(transport[_DESTINATION_PORT])[0]
    if _V4_SRC in network:
        ends = (0, V4_PREFIX | _U32.unpack(network[_V4_SRC])[0]), (0, V4_PREFIX | _U32.unpack(network[_V4_DST])[0])
    else:
        ends = _U128.unpack(network[_V6_SRC]), _U128.unpack(network[_V6_DST])
    return protocol, *ends[0], ports[0], *ends[1], ports[1]


def _times(values: dict[int, bytes], event: ConnectionEvent, seen_us: int) -> tuple[int, int, int]:
    """(start, stop, seen). A DESTROY's stop is when the entry expired: of TCP up to 120 s after the connection's end."""
    stamps = attributes(values[_TIMESTAMP]) if _TIMESTAMP in values else {}
    start, stop = _us(stamps.get(_START)), _us(stamps.get(_STOP))
    if event is ConnectionEvent.NEW:
        return start or _us(values.get(_TIMESTAMP_EVENT)) or seen_us, 0, seen_us
    if event is ConnectionEvent.DESTROY:
        return start, stop or seen_us, seen_us
    return start, seen_us if _tcp_state(values) in ENDED else 0, seen_us


def _counts(values: dict[int, bytes]) -> tuple[int, int, int, int]:
    """(bytes to the proxy, bytes back, packets to the proxy, packets back); -1 where the kernel does not count."""
    to, back = _counter(values.get(_COUNTERS_ORIG)), _counter(values.get(_COUNTERS_REPLY))
    return to[0], back[0], to[1], back[1]


def _counter(data: bytes | None) -> tuple[int, int]:
    if data is None:
        return -1, -1
    values = attributes(data)
    size, packets = _U64.unpack(values[_BYTES])[0], _U64.unpack(values[_PACKETS])[0]
    if max(size, packets) > _LARGEST:
        raise Malformed("a counter beyond 63 bits")
    return size, packets


def _tcp_state(values: dict[int, bytes]) -> int:
    """The state in CTA_PROTOINFO -> CTA_PROTOINFO_TCP -> CTA_PROTOINFO_TCP_STATE, all of which are 1; 0 if there is none."""
    tcp = attributes(values.get(_PROTOINFO, b"")).get(1, b"")
    return int.from_bytes(attributes(tcp).get(1, b""), "big")


def _us(stamp: bytes | None) -> int:
    """Microseconds of a stamp in nanoseconds since 1970, 0 where there is none."""
    return _U64.unpack(stamp)[0] // 1000 if stamp is not None else 0
