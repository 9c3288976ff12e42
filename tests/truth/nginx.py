r"""Lines as nginx writes them: ingress-nginx's `upstreaminfo` and the documented payload behind it, in nginx's own escaping.

Values that a client chose are bytes; `default` escaping writes `"`, `\` and every byte that is not printable ASCII as \xHH.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

MARKER = "tigera_secure_ee_ingress: "

Escape = Callable[[bytes], str]
"""How a value gets into the line. Texts of a line are latin-1: one character a byte."""


def default(value: bytes) -> str:
    """nginx's default escaping."""
    text = value.decode("latin-1")
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return "".join(c if " " <= c <= "~" and c not in '"\\' else f"\\x{ord(c):02X}" for c in text)


def none(value: bytes) -> str:
    """`escape=none`, against all advice: what the client sends is what stands in the line."""
    return value.decode("latin-1")


@dataclass
class Request:
    """What the variables of one request hold. `now` is in seconds since 1970; headers are None where they were not sent."""

    now: float
    remote_addr: str
    realip_remote_addr: str
    realip_remote_port: str
    server_addr: str
    method: str
    uri: str
    status: int
    request_length: int
    bytes_sent: int
    user_agent: bytes
    upstream: str
    request_id: str
    age: float
    number: int
    connection: int
    forwarded_for: bytes | None
    real_ip: bytes | None


def upstreaminfo(r: Request, escape: Escape) -> str:
    """The access log of ingress-nginx up to the marker."""
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(int(r.now)))
    took = f"0.00{r.number % 10}"
    return (
        f'{r.remote_addr} - - [{stamp}] "{r.method} {r.uri} HTTP/1.1" {r.status} {r.bytes_sent} "-" "{escape(r.user_agent)}" '
        f"{r.request_length} {took} [shop-web-80] [] {r.upstream} {r.bytes_sent} {took} {r.status} {r.request_id} "
    )


def six_keys(r: Request, escape: Escape) -> str:
    """The documented payload."""
    return (
        f'{MARKER}{{"source_port": {r.realip_remote_port}, "destination_ip": "{r.server_addr}", "destination_port": 80, '
        f'"source_ip": "{r.realip_remote_addr}", "x-forwarded-for": "{_sent(r.forwarded_for, escape)}", '
        f'"x-real-ip": "{_sent(r.real_ip, escape)}"}}'
    )


def extended(r: Request, escape: Escape) -> str:
    """The payload with every key that we know, every value quoted."""
    values = {
        "source_port": r.realip_remote_port, "destination_ip": r.server_addr, "destination_port": "80", "source_ip": r.realip_remote_addr,
        "x-forwarded-for": _sent(r.forwarded_for, escape), "x-real-ip": _sent(r.real_ip, escape), "protocol": "TCP",
        "ts": f"{r.now:.3f}", "connection_time": f"{r.age:.3f}", "connection": r.connection, "connection_requests": r.number,
        "proxy_protocol_ip": "-", "proxy_protocol_port": "-", "forwarded": "-", "method": r.method, "host": "shop.example",
        "uri": r.uri, "status": r.status, "bytes_in": r.request_length, "bytes_out": r.bytes_sent, "user_agent": escape(r.user_agent),
        "upstream": r.upstream, "request_id": r.request_id, "namespace": "shop", "ingress": "shop", "service": "web", "route": "",
    }  # fmt: skip
    return MARKER + "{" + ", ".join(f'"{key}": "{value}"' for key, value in values.items()) + "}"


def _sent(header: bytes | None, escape: Escape) -> str:
    return "-" if header is None else escape(header)
