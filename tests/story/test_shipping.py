"""A node and a server as two programs: over TLS, with the wrong token, with the wrong authority; and asked meanwhile."""

import json
import socket
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.crash.shipping import Pair, Program
from tests.lab.deadline import until

LINE = (
    'unmasq: {"source_port": "", "destination_ip": "10.0.0.80", "destination_port": 80, "source_ip": "203.0.113.5", '
    '"x-forwarded-for": "%s", "x-real-ip": "-"}\n'
)
PROXY = ("--trust", "203.0.113.0/24")


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate that vouches for itself, for 127.0.0.1, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-nodes"]
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        *subject,
        "-keyout",
        str(key),
        "-out",
        str(cert),
    ]
    subprocess.run(made, check=True, capture_output=True)
    return cert, key


def asked(pair: Pair, *words: str) -> str:
    program = [sys.executable, "-c", "from unmasq.cli import main; main()", *words, "--store", str(pair.store)]
    return subprocess.run(program, capture_output=True, text=True, check=True, timeout=60).stdout


def clients(pair: Pair) -> list[str]:
    flows = json.loads(asked(pair, "flows", "-o", "json"))["flows"]
    return [chain["client"] for flow in flows for chain in flow["unmasq"]["chains"]]


def write(pair: Pair, address: str) -> None:
    with pair.log.open("a") as log:
        log.write(LINE % address)


@pytest.mark.needs("tls")
def test_over_tls_a_line_is_found_on_the_server_and_judged_by_its_trust(tmp_path):
    cert, key = certificate(tmp_path, "server")
    with Pair(tmp_path, serve=(*PROXY, "--tls-cert", str(cert), "--tls-key", str(key)), ca=cert) as pair:
        pair.server.start()
        until(lambda: "https://" in pair.server.said(), "the server to answer", 60)
        pair.node.start()
        write(pair, "198.51.100.7")
        until(pair.arrived, "the flow to arrive", 60)
        assert clients(pair) == ["198.51.100.7"]
        assert "198.51.100.7   client of 1 request" in asked(pair, "trace", "198.51.100.7")
        context = ssl.create_default_context(cafile=cert)
        with urllib.request.urlopen(f"https://127.0.0.1:{pair.port}/healthz", context=context) as answer:
            assert json.load(answer) == {"status": "ok"}
        pair.node.finish()
        pair.server.finish()
    assert pair.node.said().splitlines()[-1] == "read 1 line"


@pytest.mark.needs("tls")
def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(tmp_path):
    cert, key = certificate(tmp_path, "server")
    other, _ = certificate(tmp_path, "other")
    with Pair(tmp_path, serve=("--tls-cert", str(cert), "--tls-key", str(key)), ca=other) as pair:
        pair.server.start()
        until(lambda: "https://" in pair.server.said(), "the server to answer", 60)
        pair.node.start()
        until(lambda: "certificate verify failed" in pair.node.said(), "the node to say why", 60)
        pair.node.finish()
    assert pair.node.said().count("certificate verify failed") == 1
    assert pair.node.said().count("\n  next: name what vouches for its certificate: --ca FILE\n") == 1


def test_a_wrong_token_is_told_and_what_waits_is_sent_when_it_is_right(tmp_path):
    with Pair(tmp_path, serve=PROXY) as pair:
        pair.begin()
        (tmp_path / "token").write_text("wrong")
        write(pair, "198.51.100.7")
        write(pair, "198.51.100.8")
        until(lambda: "401" in pair.node.said() and pair.waiting(), "the node to say what is wrong", 90)
        assert "is the token right" in pair.node.said()
        assert not pair.arrived()
        made = Program(tmp_path / "made", "token", "add", "node-1", "--role", "node", "--store", str(pair.store)).start()
        made.process and made.process.wait(30)
        (tmp_path / "token").write_text(made.said().splitlines()[0] + "\n")
        until(pair.arrived, "the flows to arrive", 90)
        until(lambda: not pair.waiting(), "nothing to be left")
        assert sorted(clients(pair)) == ["198.51.100.7", "198.51.100.8"]


def test_a_node_does_not_wait_for_a_server_that_never_answers(tmp_path):
    with Pair(tmp_path) as pair, socket.create_server(("127.0.0.1", pair.port)):
        pair.node.start()
        until(lambda: "reading" in pair.node.said(), "the node to begin", 20)
        write(pair, "198.51.100.7")
        pair.node.finish()
        assert pair.waiting() == 1


def test_metrics_of_a_node_tell_what_waits(tmp_path):
    with Pair(tmp_path, "--metrics", "127.0.0.1:0") as pair:
        pair.node.start()  # without a server
        write(pair, "198.51.100.7")
        until(lambda: "cannot be reached" in pair.node.said(), "the node to say what is wrong", 60)
        pair.node.finish()
        assert pair.waiting() == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["serve", "--store", "STORE", "--listen", "somewhere"], "nothing can listen on"),
        (["serve", "--store", "STORE", "--tls-cert", "x"], "belong together"),
        (["serve", "--store", "STORE", "--tls-cert", "x", "--tls-key", "y"], "cannot use x with y"),
        (["serve", "--store", "STORE", "--token-file", "none"], "cannot read the token"),
        (["serve", "--store", "STORE", "--interval-seconds", "0"], "not an interval"),
        (["serve", "--store", "STORE", "--listener", "x"], "not a listener"),
        (["serve", "--store", "STORE", "--listen", "0.0.0.0:0"], "nothing listens on 0.0.0.0:0 without TLS"),
        (["serve", "--store", "STORE", "--listen", "[::]:0"], "add --tls-cert and --tls-key; or --insecure"),
        (["node", "--input", "log", "--server", "http://a", "--token-file", "TOKEN", "--spool", "s"], "in clear to a"),
        (["doctor", "--server", "http://192.0.2.1:8470", "--token-file", "TOKEN"], "in clear to 192.0.2.1"),
        (["node", "--input", "log", "--server", "unmasq", "--token-file", "TOKEN", "--spool", "s"], "not the URL"),
        (["node", "--input", "-", "--server", "http://a", "--token-file", "TOKEN", "--spool", "s"], "standard input"),
        (["node", "--input", "log", "--server", "http://a", "--token-file", "TOKEN", "--spool", "s", "--spool-mb", "0"], "not a size"),
    ],
)
def test_wrong_use_is_said_before_anything_begins(tmp_path, words, why):
    (tmp_path / "token").write_text("t")
    names = {"STORE": str(tmp_path / "store"), "TOKEN": str(tmp_path / "token")}
    program = [sys.executable, "-c", "from unmasq.cli import main; main()", *(names.get(word, word) for word in words)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert (done.returncode, why in done.stderr) == (2, True), done.stderr
