"""A server with a small store, and whoever asks it: fixtures of several tests of access."""

import socket
from collections.abc import Iterator

import httpx2
import pytest

from tests.contract import shop
from unmasq.base.clock import SystemClock
from unmasq.base.telemetry import Counters
from unmasq.keep.control.tokens import Role, Tokens
from unmasq.keep.duck import DuckStore
from unmasq.serve.endpoint import Endpoint
from unmasq.serve.server import Public, Server

CLOCK = SystemClock()
HTML = {"accept": "text/html"}


@pytest.fixture
def store(tmp_path) -> Iterator[DuckStore]:
    with DuckStore(shop.make_store(tmp_path / "store")) as opened:
        yield opened


@pytest.fixture
def server(store) -> Iterator[Server]:
    public = Public("127.0.0.1", 0, node_token=lambda: "node-token")
    with Server(store, public, CLOCK, Counters()) as served:
        yield served


@pytest.fixture
def browser(server) -> Iterator[httpx2.Client]:
    """Nobody yet."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=20) as asking:
        yield asking


@pytest.fixture
def admin(browser, server) -> httpx2.Client:
    """Somebody who came by the link."""
    assert browser.get(f"/login?token={server.site.sessions.link()}").status_code == 303
    found: httpx2.Client = browser
    return found


def table(server: Server) -> list[Endpoint]:
    return server.site.table(server.site._pages())  # noqa: SLF001  # the very table of which the routes are made


def path_of(endpoint: Endpoint) -> str:
    return endpoint.path.replace("{address:path}", "198.51.100.1").replace("{digest}", "0").replace("{name}", "app.css")


def bearer(store: DuckStore, role: Role) -> dict[str, str]:
    """A token of that role, one more each time."""
    known = len(Tokens(store.folder).all())
    return {"authorization": f"Bearer {Tokens(store.folder).add(f'a {role}' if not known else f'a {role} {known}', role, 0)}"}


def raw(server: Server, sent: bytes) -> bytes:
    """The start of what is answered to bytes that no library would send."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent)
        return connection.recv(65536)
