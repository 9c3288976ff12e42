"""A server that is elsewhere, and what stands in its place: told in words, whatever it answers."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from unmasq.base.errors import StoreError, Unreachable, UsageError
from unmasq.serve.remote import server_at


@contextmanager
def answering(status: int, body: bytes):
    """The URL of a server that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


REFUSED = b'{"error": {"what": "the request is refused", "why": "no token", "next": "make one"}}'


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (200, b"<html>", Unreachable, "its answer is not ours"),
        (502, b"<html>", Unreachable, "its answer is not ours"),
        (200, b'{"nodes": "many"}', Unreachable, "its answer is not ours"),
        (200, b"\xff\xfe", Unreachable, "its answer is not ours"),
        (401, REFUSED, StoreError, "the request is refused"),
    ],
)
def test_what_is_no_answer_is_told(status, body, error, words):
    with answering(status, body) as url, server_at(url, "token") as server:
        with pytest.raises(error, match=words) as raised:
            server.health()
        assert words in str(raised.value)


def test_nobody_and_nonsense():
    with server_at("http://127.0.0.1:1", "token") as server, pytest.raises(Unreachable, match="does not answer"):
        server.health()
    with pytest.raises(UsageError, match="not the URL of a server"), server_at("unmasq", "token"):
        pass
