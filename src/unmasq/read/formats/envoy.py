"""Envoy's JSON: our own keys (`unmasq config template envoy`), and the defaults of Envoy Gateway, Contour and Istio.

The source is the other end of the socket only where DOWNSTREAM_DIRECT_REMOTE says so, or a remote address with a port: one that
Envoy took from X-Forwarded-For has port 0. What Envoy appended to X-Forwarded-For itself, its peer, is dropped: no proxy said it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from unmasq.model.address import parse
from unmasq.model.ingress import Reject
from unmasq.read.formats.captures import UNTOLD, untold
from unmasq.read.formats.objects import parts, raw

_OURS = ("source_ip", "source_port", "destination_ip", "destination_port")
_REMOTE = ("downstream_remote_ip", "downstream_remote_port")
_LOCAL = ("downstream_local_ip", "downstream_local_port")
_DEFAULTS = ("downstream_remote_address", "downstream_local_address")
_XFF, _FORWARDED = "x-forwarded-for", "forwarded"
_LOOPBACK = (parse("127.0.0.1"), parse("::1"))
_NAMES = {
    _XFF: (_XFF, "x_forwarded_for"),
    "x-real-ip": ("x-real-ip",),
    _FORWARDED: (_FORWARDED,),
    "cf-connecting-ip": ("cf-connecting-ip",),
    "true-client-ip": ("true-client-ip",),
    "ts": ("start_time", "@timestamp", "ts", "start"),
    "method": ("method", ":method"),
    "host": ("authority", ":authority", "host"),
    "uri": ("path", ":path", "x-envoy-origin-path", "uri"),
    "status": ("response_code", "status"),
    "bytes_in": ("bytes_received", "bytes_in"),
    "bytes_out": ("bytes_sent", "bytes_out"),
    "user_agent": ("user_agent", "user-agent"),
    "upstream": ("upstream_host", "upstream"),
}
"""Our key -> what it is called in the formats that we know, ours first."""


class _Peers(NamedTuple):
    """Ends of a connection: of the socket, and what Envoy took the remote one for. Empty where it is not told."""

    source: tuple[bytes, bytes]
    destination: tuple[bytes, bytes]
    remote: tuple[bytes, bytes]

    @property
    def is_relayed(self) -> bool:
        """Whether a PROXY header named the remote end: it has a port, and another address than the socket's."""
        port = self.remote[1]
        return bool(port.strip(b"0")) and self.remote != self.source


def sign(values: Mapping[str, Any]) -> str | None:
    """The key by which an object is told as such a line: it names an end of the connection."""
    if all(key in values for key in _OURS[:2]):
        return _OURS[0]
    return next((key for key in (*_REMOTE, *_DEFAULTS) if key in values), None)


def read(values: Mapping[str, Any]) -> tuple[dict[str, bytes], Reject]:
    """The raw bytes of each of our keys."""
    if not all(isinstance(value, (str, bytes, bool, type(None))) for key, value in values.items() if key in _READ):
        return {}, Reject.BAD_VALUE
    fields = dict(_named(values))
    if fields.pop("protocol", b"").upper().startswith(b"HTTP/3"):
        fields["protocol"] = b"udp"
    peers = _direct(values) if _OURS[0] in values else _default(values)
    fields |= _ends(peers, values)
    if values.get(_FORWARDED) is not None:  # %REQ()% gives the first line alone, and proxies add lines behind it
        fields["captured"] = untold([_FORWARDED])
    fields = _without_own(fields, peers) if _OURS[0] in fields else fields
    return (fields | {"captured": UNTOLD} if _is_refused(values) else fields), Reject.NONE


def _is_refused(values: Mapping[str, Any]) -> bool:
    """Whether Envoy refused a request before it had read it: then it logs none of its headers."""
    told = [values[name] for key in ("method", "host", "uri") for name in _NAMES[key] if name in values]
    return bool(told) and all(value in (None, "", "-") for value in told)


def _named(values: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for key, names in _NAMES.items():
        name = next((name for name in names if name in values), None)
        if name is not None:
            yield key, _bytes(values[name])
    yield "protocol", _bytes(values.get("protocol"))


def _bytes(value: object) -> bytes:
    return raw(value) or b""


def _direct(values: Mapping[str, Any]) -> _Peers:
    """The ends as our own keys tell them."""
    told = [_bytes(values.get(key)) for key in (*_OURS, *_REMOTE)]
    peers = _Peers((told[0], told[1]), (told[2], told[3]), (told[4], told[5]))
    if _OURS[2] in values or peers.remote != peers.source:  # behind a PROXY header it would be that header's word
        return peers
    return peers._replace(destination=(_bytes(values.get(_LOCAL[0])), _bytes(values.get(_LOCAL[1]))))


def _default(values: Mapping[str, Any]) -> _Peers:
    """The ends as the default formats tell them. Nothing in them tells a PROXY header's word from the socket's."""
    remote, local = (parts(_bytes(values.get(key))) for key in _DEFAULTS)
    return _Peers(remote, local, remote)


def _ends(peers: _Peers, values: Mapping[str, Any]) -> dict[str, bytes]:
    """The ends of the connection, and what a PROXY header said, where it can be told whether there was one."""
    if _OURS[0] not in values and not peers.source[1].strip(b"0"):
        return {"rewritten": peers.source[0]}  # taken from X-Forwarded-For: a claim, and all that the line says
    found = dict(zip(_OURS[:2], peers.source, strict=True))
    if _OURS[0] not in values:
        found["logged"] = peers.source[0]
    if peers.destination[0]:
        found |= zip(_OURS[2:], peers.destination, strict=True)
    if peers.is_relayed:
        found["proxy_protocol_ip"] = peers.remote[0]
    elif _REMOTE[0] in values and peers.remote == peers.source:
        found["proxy_protocol_ip"] = b""
    return found


def _without_own(fields: dict[str, bytes], peers: _Peers) -> dict[str, bytes]:
    """The fields without the right-most X-Forwarded-For element that Envoy appended: its peer, of a loopback peer its own address."""
    own = _address(peers.remote[0] if peers.is_relayed else peers.source[0])
    before, _, last = fields.get(_XFF, b"").rpartition(b",")
    if own and _address(last) in (own, _address(peers.destination[0]) if own in _LOOPBACK else own):
        fields[_XFF] = before.rstrip(b" \t")
    elif own in _LOOPBACK and last:  # whatever it is, Envoy may have appended it: an address of the machine's that no line tells
        fields["captured"] = untold([_XFF]) + b"".join(b";" + other for other in (fields.get("captured"),) if other)
    return fields


def _address(text: bytes) -> tuple[int, int] | None:
    return parse(text.decode("ascii", "replace"))


_READ = frozenset({*_OURS, *_REMOTE, *_LOCAL, *_DEFAULTS, "protocol", *(name for names in _NAMES.values() for name in names)})
