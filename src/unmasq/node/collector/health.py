"""A port to ask a collector how it is: `/metrics`, `/healthz` (it turns), `/readyz` (somebody listens on its socket).

Who waits for a peer that takes nothing more is well: to be started again would not help.
"""

import threading
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from typing import Any, Self

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import UsageError
from unmasq.base.exposition import MEDIA_TYPE, Metrics
from unmasq.base.ports import port_of
from unmasq.base.telemetry import Counters, summed
from unmasq.node.collector.disk import occupied_bytes
from unmasq.node.collector.state import CollectorState

_LOST = ("reports_dropped", "tail_lost_bytes")
_BEGUN = (("collector_read_bytes", ""),)
_STUCK_US = 60 * MICROSECONDS
_TIMEOUT_SECONDS = 5
_TEXT = "text/plain; charset=utf-8"


class Answers:
    """What is answered."""

    def __init__(self, path: str, state: CollectorState, counters: Counters, clock: Clock) -> None:
        self._path, self._state, self._clock = path, state, clock
        self._metrics = Metrics(counters, self._gauges, _BEGUN, partial(summed, names=_LOST))

    def of(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        """Status, type and body for a path."""
        if path == "/metrics":
            return HTTPStatus.OK, MEDIA_TYPE, self._metrics.text()
        if path == "/healthz":
            if self._state.held_since_us:
                return _verdict(f"held back for {self._held_back_seconds():.1f} s", is_well=True)
            idle_us = self._clock.now_us() - self._state.turned_us
            return _verdict(f"turned {idle_us / MICROSECONDS:.1f} s ago", is_well=abs(idle_us) < _STUCK_US)
        if path == "/readyz":
            return _verdict(f"speaks {self._state.speaks or 'to nobody'}", is_well=bool(self._state.speaks))
        return HTTPStatus.NOT_FOUND, _TEXT, b"there are /metrics, /healthz and /readyz\n"

    def _gauges(self) -> dict[str, float]:
        return {
            "collector_connected": float(bool(self._state.speaks)),
            "collector_log_bytes": float(occupied_bytes(self._path)),
            "collector_held_back_seconds": self._held_back_seconds(),
        }

    def _held_back_seconds(self) -> float:
        since_us = self._state.held_since_us
        return max(0.0, (self._clock.now_us() - since_us) / MICROSECONDS) if since_us else 0.0


def _verdict(words: str, *, is_well: bool) -> tuple[HTTPStatus, str, bytes]:
    return HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, f"{words}\n".encode()


class HealthServer:
    """Answers on `address`, `[HOST:]PORT`, loopback if no host is named. Raises UsageError. Use as a context manager."""

    def __init__(self, address: str, answers: Answers) -> None:
        host, port = parse_address(address)

        class Handler(_Handler):
            pass

        Handler.answers = answers
        try:
            self._server = _server(host, port, Handler)
        except OSError as error:
            raise UsageError(f"cannot listen on {address}", error.strerror or str(error), "name another port") from None
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `PORT`, `HOST:PORT`, `[V6]:PORT` or `:PORT` (any address). Raises UsageError."""
    host, colon, digits = text.rpartition(":")
    port = port_of(digits)
    if port is None:
        raise UsageError(f"not a port to listen on: {text!r}", "it is PORT or HOST:PORT", "write it like 9100, :9100 or 10.0.0.1:9100")
    return host.strip("[]") if colon else "127.0.0.1", port


class _Handler(BaseHTTPRequestHandler):
    answers: Answers
    timeout = _TIMEOUT_SECONDS

    def do_GET(self) -> None:
        status, kind, body = self.answers.of(self.path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: whoever asks gets an answer."""


def _server(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    class Server(ThreadingHTTPServer):
        address_family = AF_INET6 if ":" in host or not host else AF_INET
        daemon_threads = True

    return Server((host or "::", port), handler)
