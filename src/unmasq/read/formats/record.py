"""One line, read the plain way: prefix and payload brought together under one set of keys."""

import re
from typing import NamedTuple

from unmasq.model.ingress import Reject
from unmasq.read.formats.payload import read_payload
from unmasq.read.formats.prefix import is_whole, read_prefix

HEADER_KEYS = {
    "x-forwarded-for": "x-forwarded-for",
    "forwarded": "forwarded",
    "x-real-ip": "x-real-ip",
    "proxy_protocol_ip": "proxy-protocol",
    "cf-connecting-ip": "cf-connecting-ip",
    "true-client-ip": "true-client-ip",
    "reported_by": "reported_by",
    "captured": "captured",
}
"""Payload key -> name of the header, or of what stands in its place."""

UNTOLD_CAPTURES = b"x-forwarded-for:0;forwarded:0;x-real-ip:0"
"""For a line of HAProxy that does not say how much of which header it captured, and for one of no request: all of it may be cut."""

_NO_REQUEST = b"<BADREQ>"
_HAPROXY = re.compile(rb"(?:^| )haproxy(?:\[\d+\])?: *$")

KEYS = frozenset({
    *HEADER_KEYS, "source_ip", "source_port", "destination_ip", "destination_port", "protocol", "ts", "time", "connection_time",
    "method", "host", "uri", "status", "bytes_in", "bytes_out", "user_agent", "upstream", "namespace", "ingress", "service",
    "prefix",
})  # fmt: skip
"""All keys that a batch is made of; any other is ignored."""


class Record(NamedTuple):
    """The raw bytes of each known key, and why the payload was not taken, if it was not."""

    fields: dict[str, bytes]
    reject: Reject


def read_record(line: bytes) -> Record:
    """What a line says. Never raises."""
    if not line.strip():
        return Record({}, Reject.BLANK)
    payload = read_payload(line)
    fields = read_prefix(line[: payload.before])
    if payload.reject is Reject.NO_PAYLOAD and is_whole(line):  # a marker that a client wrote, within a value
        payload = payload._replace(reject=Reject.NONE, marked=False)
    if not payload.marked and "prefix" not in fields:
        return Record({}, Reject.NO_ADDRESS)
    fields |= payload.fields
    is_untold = "captured" not in fields and is_of_haproxy(line[: payload.before])
    if payload.marked and (is_untold or fields.get("method") == _NO_REQUEST):
        fields["captured"] = UNTOLD_CAPTURES
    reject = payload.reject or (Reject.NO_SOURCE if payload.marked and "source_ip" not in fields else Reject.NONE)
    return Record({key: value for key, value in fields.items() if key in KEYS}, reject)


def is_of_haproxy(before: bytes) -> bool:
    """Whether what stands before a marker ends with the tag under which HAProxy logs to syslog."""
    return _HAPROXY.search(before) is not None
