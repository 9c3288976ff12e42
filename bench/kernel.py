"""What the kernel would have told of a generated log's connections."""

from collections.abc import Sequence

import numpy as np

from tests.truth.traffic import Connection
from unmasq.model.address import NONE, parse
from unmasq.model.connection import TCP, ConnectionBatch, ConnectionEvent

_SECOND = 1_000_000
_ENDS_AFTER_US = _SECOND  # an idle connection is closed this long after its last request


def events(connections: Sequence[Connection]) -> ConnectionBatch:
    """A NEW and a DESTROY event for each connection, none of them translated, in the order of time."""
    both = ConnectionBatch.concat([_events(connections, ConnectionEvent.NEW), _events(connections, ConnectionEvent.DESTROY)])
    return both.take(np.argsort(both.seen_us, kind="stable"))


def _events(connections: Sequence[Connection], event: ConnectionEvent) -> ConnectionBatch:
    ends = event is ConnectionEvent.DESTROY
    opened = np.array([c.first * _SECOND for c in connections]).astype("i8")
    closed = np.array([c.until * _SECOND for c in connections]).astype("i8") + _ENDS_AFTER_US
    requests = np.array([c.requests for c in connections])
    source = np.array([parse(c.source) or NONE for c in connections], "u8")
    dest = np.array([parse(c.dest) or NONE for c in connections], "u8")
    port = np.array([c.port for c in connections])
    return ConnectionBatch.filled(
        len(connections), event=event, id=np.array([c.number for c in connections]), protocol=TCP,
        orig_src_hi=source[:, 0], orig_src_lo=source[:, 1], orig_sport=port, orig_dst_hi=dest[:, 0], orig_dst_lo=dest[:, 1], orig_dport=80,
        reply_src_hi=dest[:, 0], reply_src_lo=dest[:, 1], reply_sport=80, reply_dst_hi=source[:, 0], reply_dst_lo=source[:, 1],
        reply_dport=port, start_us=opened, stop_us=closed * ends, seen_us=closed if ends else opened,
        bytes_orig=requests * 800 if ends else -1, bytes_reply=requests * 20_000 if ends else -1,
        packets_orig=requests * 6 if ends else -1, packets_reply=requests * 18 if ends else -1,
    )  # fmt: skip
