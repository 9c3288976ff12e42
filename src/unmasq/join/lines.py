"""Lines that wait or were joined, as columns: a line with the connection it came on."""

from dataclasses import dataclass

import numpy as np

from unmasq.model.columns import Array, Columns, column
from unmasq.model.ingress import IngressBatch, TimeSource

TEXT_COLUMNS = ("headers", "method", "host", "path", "status", "user_agent", "upstream", "service", "pod")
"""The columns that are numbers in the reader's vocabulary."""


@dataclass(frozen=True, slots=True)
class JoinedLines(Columns):
    """The columns of IngressBatch that flows are made of, and three more.

    `connection` is the serial of a tracked connection (0: none), `interval_us` the start of the flow's interval, `file` a
    number that the window's owner gave to the file.
    """

    connection: Array = column("i8")
    interval_us: Array = column("i8")
    arrived_us: Array = column("i8")
    file: Array = column("u4")
    start: Array = column("i8")
    end: Array = column("i8")
    time_us: Array = column("i8")
    time_source: Array = column("u1")
    opened_us: Array = column("i8")
    protocol: Array = column("u1")
    source_hi: Array = column("u8")
    source_lo: Array = column("u8")
    source_port: Array = column("u2")
    dest_hi: Array = column("u8")
    dest_lo: Array = column("u8")
    dest_port: Array = column("u2")
    headers: Array = column("u4")
    reject: Array = column("u1")
    flags: Array = column("u2")
    bytes_in: Array = column("i8")
    bytes_out: Array = column("i8")
    method: Array = column("u4")
    host: Array = column("u4")
    path: Array = column("u4")
    status: Array = column("u4")
    user_agent: Array = column("u4")
    upstream: Array = column("u4")
    service: Array = column("u4")
    pod: Array = column("u4")


def from_batch(batch: IngressBatch, file: int, now_us: int) -> JoinedLines:
    """Lines that just arrived, not yet joined."""
    known = batch.as_dict()
    return JoinedLines.filled(len(batch), arrived_us=np.full(len(batch), now_us), file=np.full(len(batch), file), **known)


def with_intervals(lines: JoinedLines, interval_us: int) -> JoinedLines:
    """The lines with the interval that their own time falls into."""
    return JoinedLines(**lines.as_dict() | {"interval_us": lines.time_us // interval_us * interval_us})


def is_exact(time_source: Array) -> Array:
    """Whether a line's time is its own, and not when it was read."""
    return time_source <= TimeSource.LOG


def has_source(lines: JoinedLines) -> Array:
    """Whether each line names the other end of its connection."""
    return np.asarray((lines.source_port > 0) & ((lines.source_hi | lines.source_lo) > 0))


def named_alone(lines: JoinedLines) -> Array:
    """The headers of lines that have no connection and no source, since they are all that they name; 0 for all others."""
    nameless = (lines.connection == 0) & ((lines.source_hi | lines.source_lo) == 0)
    return np.where(nameless, lines.headers, 0)


def are_partial(lines: JoinedLines) -> Array:
    """Whether each line names the other end of its connection, and nothing of the proxy's own."""
    bare = lines.dest_port == 0
    return np.asarray(bare & ((lines.dest_hi | lines.dest_lo) == 0) & has_source(lines)) if bare.any() else bare
