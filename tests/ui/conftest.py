"""A real `unmasq run` on the lab's traffic, its pages in a real browser, and somebody who came by the link that it printed."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.lab import topology as at
from tests.lab.cluster import Lab
from tests.lab.deadline import until
from tests.lab.running import QUICK, Running
from tests.ui.hostile import TEXTS
from unmasq.base.clock import SystemClock
from unmasq.model.filter import FlowFilter
from unmasq.serve.backend import open_backend

FORGED = (("X-Forwarded-For", "1.1.1.1"), ("X-Real-IP", "2.2.2.2"))
MANY = 30
"""Addresses that c2 names, as a proxy would that nobody declared."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Imported here, so that whoever collects other tests needs no browser. Its event loop must be gone before other tests have theirs."""
    from tests.ui.browsing import chromium  # noqa: PLC0415

    with chromium() as started:
        yield started


@pytest.fixture(autouse=True)
def _as_it_started() -> None:
    """In place of what undoes a test's switches elsewhere: here one `unmasq run` watches the kernel through all tests."""


@pytest.fixture(scope="session")
def running(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Direct, forwarded, forged, translated, and everything that is hostile; all of it joined and trusted."""
    folder = tmp_path_factory.mktemp("ui")
    lab.network.switches(on=True)
    with Running(lab, folder / "store", lab.nginx.log("extended"), *QUICK, "--listen", "127.0.0.1:0", "--trust", at.EDGE) as started:
        before = _lines(lab)
        _send(lab)
        lab.nginx.settle()
        requests = _lines(lab) - before
        with open_backend(started.store, SystemClock()) as asked:
            until(lambda: asked.health().requests >= requests, "all requests to be kept", 60)
            until(lambda: not any(flow.unmasq.provisional for flow in asked.flows(FlowFilter(), 1000).flows), "all flows to be closed", 60)
        yield started
    lab.network.reset()


def _lines(lab: Lab) -> int:
    return lab.nginx.log("extended").read_bytes().count(b"\n")


def _send(lab: Lab) -> None:
    for _ in range(3):
        lab.request("c1", at.INGRESS, 80, "/local", [("User-Agent", "Firefox")])
        lab.request("c1", at.EDGE, 80, "/search", [("User-Agent", "Firefox")])
        lab.request("c2", at.INGRESS, 80, "/login", FORGED)
    lab.network.nat("cluster")
    lab.request("c1", at.NODE, 30080, "/translated")
    lab.network.nat("local")
    for number in range(MANY):
        lab.request("c2", at.INGRESS, 80, "/", [("X-Forwarded-For", f"172.16.0.{number + 1}")])
    lab.request("c1", at.INGRESS_V6, 80, "/v6")
    for text in TEXTS.values():
        written = text.encode()
        lab.request("c1", at.INGRESS, 80, "/hostile", [(b"X-Forwarded-For", written), (b"User-Agent", written), (b"X-Real-Ip", written)])
        lab.request("c1", at.INGRESS, 80, "/" + "".join(f"%{byte:02x}" for byte in written), [("User-Agent", "x")])


@pytest.fixture(scope="session")
def site(running: Running) -> str:
    """Where the pages are."""
    return _link(running).rpartition("/login")[0]


def _link(running: Running) -> str:
    found = re.search(r"^http://\S+/login\?token=\S+$", running.said(), re.MULTILINE)
    assert found, running.said()
    return found[0]


@pytest.fixture(scope="session")
def cookies(running: Running, site: str) -> list[Any]:
    """Of whoever followed the link, once."""
    with httpx2.Client(trust_env=False) as asking:
        answer = asking.get(_link(running))
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), "the link leads to the first page"
        return [{"name": name, "value": value, "url": site} for name, value in asking.cookies.items()]


@pytest.fixture
def visit(browser: Any, site: str, cookies: list[Any], request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page in a browser of its own; `how` (a parameter) as Playwright's new_context. Nobody has anything to complain of."""
    from tests.ui.browsing import Visit, logged_in  # noqa: PLC0415

    how = getattr(request, "param", {})
    with logged_in(browser, site, cookies, **how) as context:
        visited = Visit(context.new_page(), site)
        yield visited
        assert visited.complaints == []


@pytest.fixture
def store(running: Running) -> Path:
    """The store behind the pages."""
    return running.store
