"""Servers of environments other than a pod behind a NodePort: an ingress in the node's own network, relays on it, a CDN before it."""

import base64
import hashlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import topology as at
from .formats import EXTENDED, log_format
from .namespace import socket_in
from .network import Network
from .processes import run
from .proxies import LOCATIONS, Nginx
from .server import Server

SOCKETS = f"""\
location /socket {{
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_pass http://{at.BACKEND}:8090;
        }}
        {LOCATIONS}"""
"""`/socket` hands WebSockets on to `a_backend` at port 8090."""
WITH_CDN = EXTENDED.replace('"forwarded"', '"cf-connecting-ip": "$http_cf_connecting_ip", "forwarded"')


class HostIngress(Nginx):
    """An ingress with hostNetwork: it listens on the node's own addresses. Its log `cdn` holds CF-Connecting-IP too."""

    host = "node"

    def __init__(self, network: Network) -> None:
        super().__init__(network, {"cdn": log_format("cdn", WITH_CDN, "json")})

    def values(self) -> Mapping[str, str]:
        return {**super().values(), "LOCATIONS": SOCKETS}


class CloudEdge(Server):
    """At the edge: port 90, a network that names clients in CF-Connecting-IP; 91, a balancer that appends its own address too."""

    host, template, ready = "edge", "cdn.cfg", (at.EDGE, 90)

    def argv(self, settings: Path) -> Sequence[str]:
        return ["haproxy", "-db", "-f", str(settings)]


class Relays(Server):
    """Layer 4 on the node: ports 8090 and 8091 (PROXY v2) to the ingress pod, 8443 TLS for shop.example to the backend."""

    host, template, ready = "node", "relays.cfg", (at.NODE, 8090)

    def argv(self, settings: Path) -> Sequence[str]:
        return ["haproxy", "-db", "-f", str(settings)]


@contextmanager
def a_backend(network: Network, port: int, serve: Callable[[socket.socket], None]) -> Iterator[None]:
    """A server in the backend pod that gives its one connection to `serve`, in a thread."""
    with socket_in(network.namespace_path("backend"), socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.settimeout(10)
        listener.bind((at.BACKEND, port))
        listener.listen()
        thread = threading.Thread(target=_serve_one, args=(listener, serve), daemon=True)
        thread.start()
        yield
        thread.join(10)


def _serve_one(listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(10)
        serve(connection)


def echo_websocket(connection: socket.socket) -> None:
    """Agree to a WebSocket, then give back what comes until the other side ends."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(4096)
    key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())  # as RFC 6455 has it
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    connection.sendall(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    while data := connection.recv(4096):
        connection.sendall(data)


def tls_echo(folder: Path) -> Callable[[socket.socket], None]:
    """Speaks TLS with a certificate of its own for shop.example, and gives back what comes first."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=shop.example"]
    run([*made, "-keyout", str(key), "-out", str(certificate)])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.sendall(secure.recv(4096))

    return serve


def said_over_tls(namespace: Path, address: str, port: int, data: bytes) -> bytes:
    """Say something to shop.example over TLS, and hear the answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket_in(namespace, socket.AF_INET6 if ":" in address else socket.AF_INET) as plain:
        plain.settimeout(10)
        plain.connect((address, port))
        with context.wrap_socket(plain, server_hostname="shop.example") as secure:
            secure.sendall(data)
            return secure.recv(4096)
