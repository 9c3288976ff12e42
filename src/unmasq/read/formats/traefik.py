"""Traefik's JSON access log (3.x).

ClientAddr is the peer of the connection, or what a PROXY header said where the entry point takes those: then the peer is in no
field, so that the address is the log's word (`logged`). The proxy's own address is in no field either. Headers are there where the
setting keeps them, and where the peer is trusted; an absent one was not sent, or not kept: nobody can tell, so it counts as not recorded.
"""

from collections.abc import Mapping
from typing import Any

from unmasq.model.ingress import Reject
from unmasq.read.formats.objects import parts, raw
from unmasq.read.formats.times import moment_us

_PEER = "ClientAddr"
_HEADER = "request_"
_HEADERS = {
    "x-forwarded-for": "x-forwarded-for",
    "x-real-ip": "x-real-ip",
    "forwarded": "forwarded",
    "cf-connecting-ip": "cf-connecting-ip",
    "true-client-ip": "true-client-ip",
    "user-agent": "user_agent",
}
_NAMES = {
    "RequestMethod": "method",
    "RequestHost": "host",
    "RequestPath": "uri",
    "DownstreamStatus": "status",
    "RequestContentSize": "bytes_in",
    "DownstreamContentSize": "bytes_out",
    "ServiceAddr": "upstream",
}


def sign(values: Mapping[str, Any]) -> str | None:
    """The key by which an object is told as a request of Traefik's access log; its own log has no peer."""
    return next((key for key in (_PEER, "ClientHost") if key in values), None)


def read(values: Mapping[str, Any]) -> tuple[dict[str, bytes], Reject]:
    """The raw bytes of each of our keys; without a destination."""
    told = {key: raw(value) for key, value in _told(values).items()}
    fields = {key: value for key, value in told.items() if value is not None}
    if len(fields) < len(told):
        return {}, Reject.BAD_VALUE
    fields["ts"] = _ended(raw(values.get("StartUTC")) or b"", raw(values.get("Duration")) or b"")
    fields["source_ip"], fields["source_port"] = parts(raw(values.get(_PEER)) or b"")
    fields["logged"] = fields["source_ip"]
    if fields.get("x-real-ip") == fields["source_ip"]:
        del fields["x-real-ip"]  # Traefik sets it itself where it believes none
    if str(values.get("RequestProtocol", "")).startswith("HTTP/3"):
        fields["protocol"] = b"udp"
    return fields, Reject.NONE


def _ended(start: bytes, nanoseconds: bytes) -> bytes:
    """When the request was over, as other proxies tell it: a long one began before connections of that time were forgotten."""
    start_us = moment_us(start)
    if start_us < 0 or not nanoseconds.isdigit():
        return start
    return b"%d.%06d" % divmod(start_us + int(nanoseconds) // 1000, 1_000_000)


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    found = {ours: values[theirs] for theirs, ours in _NAMES.items() if theirs in values}
    for key, value in values.items():
        name = key.removeprefix(_HEADER).lower() if key.startswith(_HEADER) else ""
        if name in _HEADERS:
            found[_HEADERS[name]] = value
    return found
