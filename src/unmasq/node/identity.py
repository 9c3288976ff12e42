"""Names that are minted once: ids of flows, and the node's own."""

import os
import socket

import numpy as np

from unmasq.model.columns import Array

_VERSION_7 = np.uint64(7 << 12)
_VARIANT = np.uint64(2 << 62)


def node_name() -> str:
    """What this node calls itself in the flow log: NODE_NAME where a pod is told it, else the host's name."""
    return os.environ.get("NODE_NAME") or socket.gethostname()


def flow_ids(times_us: Array) -> tuple[Array, Array]:
    """A UUIDv7 (RFC 9562) for each time, as (hi, lo)."""
    random = np.frombuffer(os.urandom(16 * len(times_us)), "u8").reshape(2, -1)
    milliseconds = (np.maximum(times_us, 0) // 1000).astype("u8") & np.uint64((1 << 48) - 1)
    hi = milliseconds << np.uint64(16) | _VERSION_7 | random[0] & np.uint64(0xFFF)
    return hi, _VARIANT | random[1] & np.uint64((1 << 62) - 1)
