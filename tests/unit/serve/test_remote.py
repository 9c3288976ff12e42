"""A server that is elsewhere, and what stands in its place: told in words, whatever it answers."""

import ssl
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from unmasq.base.errors import StoreError, Unreachable, UsageError
from unmasq.serve.remote import server_at


@contextmanager
def answering(status: int, body: bytes, tls: ssl.SSLContext | None = None):
    """The URL of a server that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
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


@pytest.mark.needs("lab")
def test_a_certificate_that_is_not_believed_is_told_with_what_to_do(tmp_path):
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=other"]
    subprocess.run([*made, "-addext", "subjectAltName=DNS:other", "-keyout", tmp_path / "k", "-out", tmp_path / "c"], check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "c", tmp_path / "k")
    with answering(200, b"", context) as url:
        assert refused(url).endswith("next: name what vouches for its certificate: --ca FILE")
        assert refused(url, tmp_path / "c").endswith("with this address")
        assert "hostname mismatch" in refused(url.replace("127.0.0.1", "localhost"), tmp_path / "c").lower()


def test_https_where_http_is_spoken_is_told():
    with answering(200, b"") as url:
        assert "next: it speaks http, not https" in refused(url.replace("http:", "https:"))


def refused(url, ca=None) -> str:
    with server_at(url, "token", ca) as server, pytest.raises(Unreachable) as raised:
        server.health()
    return str(raised.value)


def test_nobody_and_nonsense():
    with server_at("http://127.0.0.1:1", "token") as server, pytest.raises(Unreachable, match="does not answer"):
        server.health()
    with pytest.raises(UsageError, match="not the URL of a server"), server_at("unmasq", "token"):
        pass
