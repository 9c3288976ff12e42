"""The programs that serve pages, as a shell starts them: who is let in, where they listen, and how they end."""

import os
import re
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

import httpx2
import pytest

from tests.contract import shop
from tests.lab.deadline import until
from tests.story.test_program import UNMASQ, unmasq
from unmasq.cli.port import LISTEN
from unmasq.keep.control.tokens import Tokens

LINK = re.compile(r"http://\S+?:\d+/login\?token=\S+")


@pytest.fixture
def store(tmp_path):
    return shop.make_store(tmp_path / "store")


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "log"
    file.touch()
    return file


class Started:
    """A process, what it said so far, and a browser of its pages."""

    def __init__(self, process, out, err):
        self.process, self._out, self._err = process, out, err

    def out(self):
        return self._out.read_text()

    def err(self):
        return self._err.read_text()

    def link(self):
        found = until(lambda: LINK.search(self.out()), "the login line", 60)
        assert found
        return found[0]

    def port(self):
        return int(self.link().partition("/login")[0].rpartition(":")[2])

    def browser(self, **how):
        return httpx2.Client(base_url=self.link().partition("/login")[0], trust_env=False, timeout=20, **how)

    def ended(self, seconds):
        self.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert self.process.wait(seconds + 30) == 0, self.err()
        return time.monotonic() - began


@contextmanager
def started(folder, *tokens):
    out, err = folder / "said.out", folder / "said.err"
    with out.open("wb") as to_out, err.open("wb") as to_err:
        process = subprocess.Popen([*UNMASQ, *map(str, tokens)], stdout=to_out, stderr=to_err, env=os.environ)
    try:
        yield Started(process, out, err)
    finally:
        process.kill()
        process.wait(30)


def run_of(store, log, *more):
    return ("run", "--input", log, "--no-kernel", "--store", store, *more)


def serve_of(store, *more):
    return ("serve", "--store", store, "--listen", "127.0.0.1:0", *more)


def verb(name, store, log, *more):
    return run_of(store, log, "--listen", "127.0.0.1:0", *more) if name == "run" else serve_of(store, *more)


@contextmanager
def taken(port=0):
    """A port of this machine on which somebody else listens; one that was taken before will do."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", port))
        except OSError:
            yield port
        else:
            other.listen()
            yield other.getsockname()[1]


@pytest.mark.parametrize("name", ["run", "serve"])
def test_the_link_is_all_that_is_printed_and_lets_one_browser_in(tmp_path, store, log, name):
    with started(tmp_path, *verb(name, store, log)) as program, program.browser() as browser:
        link = program.link()
        assert browser.get(link).status_code == 303
        page = browser.get("/", headers={"accept": "text/html"})
        assert (page.status_code, "<h1" in page.text) == (200, True)
        with program.browser() as other:
            assert other.get(link).status_code == 401
        program.ended(10)
        assert program.out() == f"{link}\n"


def test_run_tells_how_it_is_and_what_it_counts(tmp_path, store, log):
    token = Tokens(store).add("prometheus", "see", 0)
    with started(tmp_path, *verb("run", store, log)) as program, program.browser() as browser:
        assert [browser.get(path).json() for path in ("/healthz", "/readyz")] == [{"status": "ok"}] * 2
        assert browser.get("/metrics").status_code == 401
        counted = browser.get("/metrics", headers={"authorization": f"Bearer {token}"})
        assert (counted.status_code, "unmasq_http_refused_total" in counted.text) == (200, True)


def test_run_opens_no_port_where_none_is_wanted(tmp_path, store, log):
    with started(tmp_path, *run_of(store, log, "--listen", "none")) as program:
        until(lambda: "reading" in program.err(), "it to begin", 60)
        assert unmasq("trace", shop.CLIENT, "--store", store).returncode == 0, "the socket of the store answers"
        program.ended(10)
        assert program.out() == ""


def test_run_goes_on_without_pages_where_the_usual_port_is_taken(tmp_path, store, log):
    with taken(int(LISTEN.rpartition(":")[2])), started(tmp_path, *run_of(store, log)) as program:
        until(lambda: "no pages" in program.err(), "it to say so", 60)
        assert "--listen" in program.err()
        assert unmasq("trace", shop.CLIENT, "--store", store).returncode == 0
        program.ended(10)
        assert program.out() == ""


@pytest.mark.parametrize("name", ["run", "serve"])
def test_a_port_that_was_asked_for_and_is_taken_is_an_error(store, log, name):
    with taken() as port:
        where = ("--listen", f"127.0.0.1:{port}")
        ended = unmasq(*(run_of(store, log, *where) if name == "run" else ("serve", "--store", store, *where)))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert str(port) in ended.stderr
    assert "next:" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", ["run", "serve"])
@pytest.mark.parametrize(
    ("more", "what", "next_step"), [((), "without TLS", "--tls-cert"), (("--insecure",), "without a token", "unmasq token add")]
)
def test_nothing_listens_beyond_this_machine_without_tls_or_a_token(store, log, name, more, what, next_step):
    where = ("--listen", "0.0.0.0:0", *more)
    ended = unmasq(*(run_of(store, log, *where) if name == "run" else ("serve", "--store", store, *where)))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert what in ended.stderr.splitlines()[0]
    assert next_step in ended.stderr


def test_a_server_for_others_starts_once_there_is_a_token(tmp_path, store):
    listen = ("serve", "--store", store, "--listen", "0.0.0.0:0", "--insecure")
    assert unmasq(*listen).returncode == 2
    token = unmasq("token", "add", "me", "--store", store).stdout.strip()
    with started(tmp_path, *listen) as program:
        answer = httpx2.get(
            f"http://127.0.0.1:{program.port()}/api/v1/health", headers={"authorization": f"Bearer {token}"}, trust_env=False
        )
        assert answer.status_code == 200


@pytest.mark.parametrize("name", ["run", "serve"])
def test_a_browser_that_follows_flows_does_not_hold_up_the_end(tmp_path, store, log, name):
    with started(tmp_path, *verb(name, store, log)) as program, program.browser() as browser:
        assert browser.get(program.link()).status_code == 303
        with browser.stream("GET", "/flows/live") as following:
            assert following.headers["content-type"].startswith("text/event-stream")
            assert program.ended(8) < 8
