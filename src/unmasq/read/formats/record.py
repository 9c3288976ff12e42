"""One line, read the plain way: what each family makes of it, brought together under one set of keys."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from unmasq.model.ingress import Reject, Shape
from unmasq.read.formats import caddy, envoy, traefik
from unmasq.read.formats.captures import UNTOLD
from unmasq.read.formats.objects import OPENING, read_object
from unmasq.read.formats.payload import read_payload
from unmasq.read.formats.prefix import is_whole, read_prefix, shape_of

HEADER_KEYS = {
    "x-forwarded-for": "x-forwarded-for",
    "forwarded": "forwarded",
    "x-real-ip": "x-real-ip",
    "proxy_protocol_ip": "proxy-protocol",
    "cf-connecting-ip": "cf-connecting-ip",
    "true-client-ip": "true-client-ip",
    "reported_by": "reported_by",
    "logged": "logged",
    "rewritten": "prefix",
    "captured": "captured",
}
"""Payload key -> name of the header, or of what stands in its place."""

_NO_REQUESTS = (b"<BADREQ>", b"", b"-")
"""A method of HAProxy's, and of nginx's, where it could not read the request: no header of it is in the line."""
_REFUSED = (b"400", b"408")
NOWHERE = (b"", b"-")
"""What a line has for an upstream where the request was sent to none."""
_HAPROXY = re.compile(rb"(?:^| )haproxy(?:\[\d+\])?: *$")

_FRONT = re.compile(rb"(?:<\d{1,3}>)?(?:1 )?(?:(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-][\d:]+)) )?"
                    rb"(?:[\w.:-]+ )?(?:[\w./-]+(?:\[\d+\])?:)? *")  # fmt: skip
"""What syslog puts before a line: a time, a host and a program, or some of them."""

KEYS = frozenset({
    *HEADER_KEYS, "source_ip", "source_port", "destination_ip", "destination_port",
    "proxy_protocol_port", "proxy_protocol_server_ip", "proxy_protocol_server_port",
    "protocol", "ts", "time", "connection_time", "method", "host", "uri", "status", "bytes_in", "bytes_out", "user_agent", "upstream",
    "namespace", "ingress", "service", "prefix",
})  # fmt: skip
"""All keys that a batch is made of; any other is ignored."""


_FAMILIES = ((Shape.ENVOY, envoy), (Shape.TRAEFIK, traefik), (Shape.CADDY, caddy))


class Record(NamedTuple):
    """The raw bytes of each known key, why the line was not taken, if it was not, and the shape that it has."""

    fields: dict[str, bytes]
    reject: Reject
    shape: Shape = Shape.NONE


def read_record(line: bytes, *, captures: bool = False) -> Record:
    """What a line says. Never raises. `captures`: it is known to be of a proxy that records parts of headers.

    No line is two things: in one that is a JSON object as a whole a marker is followed by the end of the value that it is in, which
    makes no payload. So a client cannot choose how a line is read.
    """
    if not line.strip():
        return Record({}, Reject.BLANK)
    if line.startswith(OPENING):
        return _read_object(line, captures=captures)
    return _read_marked(line, captures=captures)


def _read_object(line: bytes, *, captures: bool) -> Record:
    """A line that begins as an object does: of one of the families, or with a payload somewhere, or of nobody we know."""
    values, reject = read_object(line)
    for shape, family in _FAMILIES:
        if family.sign(values):
            fields, reject = family.read(values)
            return Record(fields, reject or (Reject.NONE if _names_somebody(fields) else Reject.NO_SOURCE), shape)
    if reject is not Reject.BAD_JSON:  # an object all the same, so that no marker in it has a payload
        return Record({}, reject or Reject.NO_ADDRESS)
    marked = _read_marked(line, captures=captures)
    return marked if marked.shape else Record({}, reject)


def _names_somebody(fields: Mapping[str, bytes]) -> bool:
    return bool(fields.get("source_ip") or fields.get("rewritten"))


def _read_marked(line: bytes, *, captures: bool) -> Record:
    """A payload with what stands before it, or a prefix alone."""
    payload = read_payload(line)
    fields = read_prefix(line[: payload.before])
    if payload.reject is Reject.NO_PAYLOAD and is_whole(line):  # a marker that a client wrote, within a value
        payload = payload._replace(reject=Reject.NONE, marked=False)
    if not payload.marked and "prefix" not in fields:
        return Record({}, Reject.NO_ADDRESS)
    shape = Shape.MARKER if payload.marked else shape_of(fields)
    if not payload.reject or fields or _FRONT.fullmatch(line[: payload.before]):
        fields |= payload.fields  # else the head of a rejected one may be a client's, as an error log quotes it
    is_untold = "captured" not in fields and (captures or is_of_haproxy(line[: payload.before]))
    if payload.marked and (is_untold or payload.fields.get("method") in _NO_REQUESTS or is_half_read(fields)):
        fields["captured"] = UNTOLD
    reject = payload.reject or (Reject.NO_SOURCE if payload.marked and "source_ip" not in fields else Reject.NONE)
    return Record({key: value for key, value in fields.items() if key in KEYS}, reject, shape)


def is_half_read(fields: Mapping[str, bytes]) -> bool:
    """Whether the proxy may have given a request up in the middle of its head: it refused it, and sent it nowhere.

    nginx logs what it had read by then. Whoever is behind a trusted proxy can spoil a request in front of what that one appended.
    """
    return fields.get("status") in _REFUSED and fields.get("upstream", b"") in NOWHERE


def is_of_haproxy(before: bytes) -> bool:
    """Whether what stands before a marker ends with the tag under which HAProxy logs to syslog."""
    return _HAPROXY.search(before) is not None


def told_by(line: bytes) -> str:
    """What made a line one of its shape, in words."""
    shape = read_record(line).shape
    if shape is Shape.MARKER:
        front = read_prefix(line[: read_payload(line).before])
        return "it has our marker" + (f" behind the {shape_of(front).label} format" if front else "")
    if shape in (Shape.COMBINED, Shape.UPSTREAMINFO):
        return "it has no marker, and begins with an address, a time and a request"
    sign = next((found for _, family in _FAMILIES if (found := family.sign(read_object(line).values))), None)
    return f"it is one JSON object with {sign}" if sign else "no marker, no object and no beginning that we know"
