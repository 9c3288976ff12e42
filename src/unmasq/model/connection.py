"""Connections as the kernel records them, as columns."""

from dataclasses import dataclass
from enum import IntEnum

from unmasq.model.columns import Array, Columns, column

TCP = 6
UDP = 17


class ConnectionEvent(IntEnum):
    """What a row tells of its connection."""

    NEW = 0
    DESTROY = 1
    DUMP = 2  # seen in the table, with counters up to now


class Witnessed(IntEnum):
    """Which part of the kernel tells of a connection: they count differently, and only the first knows of translations."""

    CONNTRACK = 0  # bytes and packets of the IP layer
    SOCKET = 1  # bytes of the application, and one for each FIN; segments


@dataclass(frozen=True, slots=True)
class ConnectionBatch(Columns):
    """One row an event. `orig_*` is the tuple of the first packet, `reply_*` that of the answer, both in wire order.

    The reversed reply tuple (reply_dst, reply_dport, reply_src, reply_sport) is what the proxy's socket saw. Bytes and
    packets count from the start of the connection, of which layer says `witness`, -1 where the message has none; `*_orig`
    go to the proxy.
    """

    event: Array = column("u1")
    witness: Array = column("u1")  # Witnessed
    id: Array = column("u4")  # the kernel's id of the entry, unique while the entry lives; of a socket half its cookie
    protocol: Array = column("u1")
    orig_src_hi: Array = column("u8")
    orig_src_lo: Array = column("u8")
    orig_sport: Array = column("u2")
    orig_dst_hi: Array = column("u8")
    orig_dst_lo: Array = column("u8")
    orig_dport: Array = column("u2")
    reply_src_hi: Array = column("u8")
    reply_src_lo: Array = column("u8")
    reply_sport: Array = column("u2")
    reply_dst_hi: Array = column("u8")
    reply_dst_lo: Array = column("u8")
    reply_dport: Array = column("u2")
    start_us: Array = column("i8")  # the kernel's own time stamp; NEW: that of the event, or when it was read; 0: it has none
    after_us: Array = column("i8")  # it was not there before this time; 0: nobody knows
    stop_us: Array = column("i8")  # when the entry ended; of a dumped entry in TIME_WAIT or CLOSE: when that was seen
    seen_us: Array = column("i8")  # when the message was read
    bytes_orig: Array = column("i8")
    bytes_reply: Array = column("i8")
    packets_orig: Array = column("i8")
    packets_reply: Array = column("i8")
