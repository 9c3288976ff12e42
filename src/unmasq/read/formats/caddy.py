"""Caddy's JSON access log: the request is an object of its own in each line, and a header a list with one text for each of its lines.

`remote_ip` is the peer of the connection, or what a PROXY header said where a listener takes those: the log's word (`logged`). The
proxy's own address is in no field. All headers are recorded unless a filter deletes them, so that an absent one was not sent. `ts` is
when the line was written.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from unmasq.model.ingress import Reject
from unmasq.read.formats.captures import SENT
from unmasq.read.formats.objects import parts, raw

_ACCESS = "http.log.access"
_REQUEST = {"source_ip": "remote_ip", "source_port": "remote_port", "method": "method", "host": "host", "uri": "uri"}
_LINE = {"ts": "ts", "status": "status", "bytes_in": "bytes_read", "bytes_out": "size"}


def sign(values: Mapping[str, Any]) -> str | None:
    """The key by which an object is told as a request of Caddy's access log; its own log has a request only where one failed."""
    request = values.get("request")
    if not isinstance(request, dict) or not _is_access(values):
        return None
    return next((f"request.{key}" for key in ("remote_ip", "remote_addr") if key in request), None)


def _is_access(values: Mapping[str, Any]) -> bool:
    """Whether a line is of the access log: a request that fails is in the log of errors too, and must not count twice."""
    return str(values.get("logger", _ACCESS)).startswith(_ACCESS) or values.get("msg") == "handled request"


def read(values: Mapping[str, Any]) -> tuple[dict[str, bytes], Reject]:
    """The raw bytes of each of our keys; without a destination."""
    request: Mapping[str, Any] = values["request"]
    told = {key: raw(value) for key, value in _told(values, request)}
    fields = {key: value for key, value in told.items() if value is not None}
    headers = request.get("headers")
    lines = _lines(headers) if isinstance(headers, dict) else {}
    if len(fields) < len(told) or lines is None:
        return {}, Reject.BAD_VALUE
    if isinstance(headers, dict):
        fields |= {name: b", ".join(lines.get(name, [])) for name in SENT}
        fields["user_agent"] = b", ".join(lines.get("user-agent", []))
    if "remote_addr" in request and "remote_ip" not in request:  # before 2.5
        fields["source_ip"], fields["source_port"] = parts(raw(request["remote_addr"]) or b"")
    fields["logged"] = fields.get("source_ip", b"")
    if str(request.get("proto", "")).startswith("HTTP/3"):
        fields["protocol"] = b"udp"
    return fields, Reject.NONE


def _told(values: Mapping[str, Any], request: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for names, where in ((_REQUEST, request), (_LINE, values)):
        yield from ((ours, where[theirs]) for ours, theirs in names.items() if theirs in where)


def _lines(headers: Mapping[str, Any]) -> dict[str, list[bytes]] | None:
    """The lines of each header that is read, by its name in lower case; None where one is no list of texts."""
    found: dict[str, list[bytes]] = {}
    for name, values in headers.items():
        if (key := name.lower()) not in (*SENT, "user-agent"):
            continue
        lines = [raw(value) for value in values] if isinstance(values, list) else [None]
        told = [line for line in lines if line is not None]
        if len(told) < len(lines):
            return None
        found.setdefault(key, []).extend(told)
    return found
