"""A small HTTP server that answers as it is told: what a node may meet instead of `unmasq serve`."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self

from unmasq.model import wire

JSON = "application/json"


class Answer(NamedTuple):
    """What to say, after waiting for `release` if there is one."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    kind: str = JSON
    release: threading.Event | None = None


Script = Callable[[str, bytes], Answer]
"""From a path and a body to what is answered."""


def stored(body: bytes) -> Answer:
    """As a server that has the batch."""
    return Answer(200, b'{"id": "%s"}\n' % str(wire.decode(body).id).encode())


class Faulty:
    """Answers by its script while it is entered; `seen` has the ids of batches in the order in which they came."""

    def __init__(self, script: Script, port: int = 0) -> None:
        self.script, self.seen, self.tokens = script, list[int](), set[str | None]()
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["content-length"])))

            def _answer(self, body: bytes) -> None:
                outer.tokens.add(self.headers.get("authorization"))
                outer.asked.append(self.path)
                if body and self.path.endswith("/batches"):
                    outer.seen.append(wire.decode(body).id.int)
                answer = outer.script(self.path, body)
                if answer.release:
                    answer.release.wait(30)
                try:
                    self.send_response(answer.status)
                    for name, value in (*answer.headers, ("content-type", answer.kind), ("content-length", str(len(answer.body)))):
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.body)
                except OSError:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # it is called so above
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
