"""Lines of a proxy's log, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from unmasq.model.columns import Array, Columns, column


class Reject(IntEnum):
    """Why a line, or its payload, was not taken. Each is counted and keeps a sample."""

    NONE = 0
    BLANK = 1  # nothing but white space
    NO_ADDRESS = 2  # neither a marker nor a prefix that we know: no address to speak of
    NO_PAYLOAD = 3  # the marker is there, but no `{"` follows it
    INJECTED = 4  # two payloads, or a key that repeats: somebody writes into the log
    BAD_JSON = 5  # the payload is cut, or is not one JSON object even after repair
    UNQUOTED = 6  # a value that must be quoted is not, and cannot be repaired without guessing
    BAD_VALUE = 7  # a port, time or type that cannot be
    NO_SOURCE = 8  # source_ip is missing or no address (a unix socket)
    TOO_LONG = 9  # longer than the reader's bound
    NO_FRAME = 10  # a line of a container's log without the time, stream and tag that the runtime writes in front
    OTHER_FORMAT = 11  # a shape that the named proxy does not write
    ERROR_STREAM = 12  # of a container's stderr, where an error log may hold what a client sent as it came

    @property
    def label(self) -> str | None:
        """The reason as people and JSON see it; None for NONE."""
        return self.name.lower() if self else None

    @property
    def meaning(self) -> str:
        """The reason in words."""
        return _MEANINGS[self]


_MEANINGS = {
    Reject.NONE: "taken",
    Reject.BLANK: "nothing but white space",
    Reject.NO_ADDRESS: "no address to speak of",
    Reject.NO_PAYLOAD: 'no {" follows the marker',
    Reject.INJECTED: "two payloads, or a key that repeats: somebody writes into the log",
    Reject.BAD_JSON: "it is cut, or no one JSON object",
    Reject.UNQUOTED: "a value stands without its quotes",
    Reject.BAD_VALUE: "a port, or the type of a value, cannot be",
    Reject.NO_SOURCE: "the source is missing, or is no address",
    Reject.TOO_LONG: "longer than a line may be",
    Reject.NO_FRAME: "without the time, stream and tag of the container runtime",
    Reject.OTHER_FORMAT: "the named proxy writes no such line",
    Reject.ERROR_STREAM: "it is of the container's stderr, where a client can write whole lines",
}


class Shape(IntEnum):
    """Which of the forms that we know a line has."""

    NONE = 0
    MARKER = 1  # our payload behind its marker, whatever stands before it
    COMBINED = 2  # the combined format of nginx and Apache
    UPSTREAMINFO = 3  # what ingress-nginx writes
    ENVOY = 4
    TRAEFIK = 5
    CADDY = 6

    @property
    def label(self) -> str:
        """The name that people and counters see."""
        return self.name.lower()


class TimeSource(IntEnum):
    """Where the time of a request comes from, best first."""

    LINE = 0  # `ts` in the payload, or the prefix's time
    LOG = 1  # the time that CRI or syslog wrote in front of the line
    LIVE = 2  # when it was read at the end of a live log
    READ = 3  # when an old file was read: never feeds "first seen"

    @property
    def label(self) -> str:
        """The name in the flow log."""
        return self.name.lower()


TEXTS = ("method", "host", "path", "status", "user_agent", "upstream", "service")
"""Text columns of a line, each a number in the vocabulary; 0 where the format has none."""


@dataclass(frozen=True, slots=True)
class IngressBatch(Columns):
    """One row a line of the log, blank and rejected ones too, in order.

    `source_*` is what the proxy's socket saw (NONE where the line does not say), `dest_*` the proxy's own end. `headers` is
    the number, in the reader's vocabulary, of the text `{"name": "raw value", ...}` of every header the format records
    (`unmasq.unwind.claims` reads it). `opened_us` is when the line says that its connection began.
    """

    start: Array = column("i8")  # offset of the line's first byte in its file
    end: Array = column("i8")  # offset behind its newline
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
    shape: Array = column("u1")
    flags: Array = column("u2")  # REJECTED and TEST of `unmasq.model.flowbatch.Flag`
    bytes_in: Array = column("i8")
    bytes_out: Array = column("i8")
    method: Array = column("u4")
    host: Array = column("u4")
    path: Array = column("u4")
    status: Array = column("u4")
    user_agent: Array = column("u4")
    upstream: Array = column("u4")
    service: Array = column("u4")
    pod: Array = column("u4")  # NAMESPACE/POD of the proxy, where that is known


def unmarked(lines: IngressBatch) -> Array:
    """Which lines came without our marker: those of a plain format, which has no source, and those of none that we know."""
    is_plain = (lines.reject == Reject.NONE) & ((lines.source_hi | lines.source_lo) == 0)
    return np.asarray(is_plain | (lines.reject == Reject.NO_ADDRESS))


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What makes a log file the same file after a rename: device, inode and the hash of its first bytes."""

    device: int
    inode: int
    fingerprint: str


class Run(NamedTuple):
    """Bytes [start, end) of a file."""

    file: FileIdentity
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Frames:
    """Where the lines of a chunk stood, and what the frame around each said. One row a line.

    A line that a runtime cut into parts covers the bytes of all of them: its last run is [start, end) of the chunk's file, the
    others, if there are gaps or another file in between, are in `parts`, by row.
    """

    start: Array
    end: Array
    time_us: Array  # 0 where the frame names none
    reject: Array  # NO_FRAME, TOO_LONG or NONE of Reject
    is_error: Array  # what a container wrote to its stderr
    parts: Mapping[int, Sequence[Run]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of one file, as read: `data` ends with a newline (or with the file, once it is complete).

    `live` says that it was read at the end of a log that is being written. `skipped` bytes of the last line, which is longer
    than the reader's bound, are left out before its newline. With `frames`, `data` is what stood in them; without, its lines
    follow one another from `start` on. `pod` is who wrote them, NAMESPACE/POD, where that is known. `ends` are all addresses
    (hi, lo) at which that pod can have accepted a connection, where they are known.
    """

    file: FileIdentity
    path: str
    start: int
    data: bytes = field(repr=False)
    live: bool = False
    skipped: int = 0
    frames: Frames | None = field(default=None, repr=False)
    pod: str = ""
    ends: frozenset[tuple[int, int]] | None = field(default=None, repr=False)
