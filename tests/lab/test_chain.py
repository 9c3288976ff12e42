"""The old how-to's last step through the whole chain: nginx, its log, `unmasq collect`, `unmasq node`, `unmasq serve`, `unmasq flows`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.story.chain import Chain
from tests.story.peers import short_folder
from unmasq.base.clock import SystemClock
from unmasq.model.filter import FlowFilter
from unmasq.serve.backend import open_backend
from unmasq.serve.protocol import Backend

from . import topology as at
from .cluster import Lab
from .deadline import until

pytestmark = pytest.mark.needs("lab")
BOTH = ("--header", "X-Forwarded-For: 1.1.1.1", "--header", "X-Real-Ip: 2.2.2.2")
ALONE = BOTH[:2]


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture
def chain(lab: Lab, folder: Path) -> Iterator[Chain]:
    lab.network.switches(on=True)
    with Chain(folder, watching=("--namespace", str(lab.network.namespace_path("node")))) as chain:
        chain.begin()
        yield chain


def curl(lab: Lab, url: str, headers: tuple[str, ...]) -> int:
    """The how-to's command, from a client; the client's port of its connection."""
    told = ("-s", "-o", "/dev/null", "-w", "%{http_code} %{local_port}")
    status, port = lab.network.run("c1", ["curl", *told, url, *headers]).stdout.split()
    assert status == "200"
    return int(port)


def flow_of(chain: Chain, port: int, named: str) -> dict[str, Any]:
    """The flow of the connection that a client opened from this port, as soon as the server has it: as the how-to's user looks for it."""
    with open_backend(chain.store, SystemClock()) as server:
        until(lambda: port in client_ports(server, named), "the flow of the request", 30)
    [flow] = [flow for flow in chain.flows("--original-source", named) if client_port(flow) == port]
    return flow


def client_ports(server: Backend, named: str) -> set[int]:
    flows = server.flows(FlowFilter(original_source=(named,))).flows
    return {flow.unmasq.connection.original.source_port or 0 for flow in flows if flow.unmasq.connection}


def client_port(flow: dict[str, Any]) -> int | None:
    kernel = flow["unmasq"]["connection"]
    return int(kernel["original"]["source_port"]) if kernel else None


@pytest.mark.parametrize(
    ("nat", "url", "join"), [("local", f"http://{at.INGRESS}/local", "exact"), ("cluster", f"http://{at.NODE}:30080/local", "nat")]
)
def test_the_old_how_to(lab: Lab, chain: Chain, nat: Any, url: str, join: str) -> None:
    lab.network.nat(nat)
    with chain.collecting(log=lab.nginx.log("seed")) as collecting:
        until(lambda: collecting.ask("/readyz") == (200, "speaks lines\n"), "the collector to speak to the node", 30)
        for headers, named in ((BOTH, "2.2.2.2"), (ALONE, "1.1.1.1")):
            flow = flow_of(chain, curl(lab, url, headers), named)
            assert (flow["original_source_ips"], flow["num_original_source_ips"]) == ([named], 1)
            assert (flow["unmasq"]["join"], flow["dest_ip"]) == (join, at.INGRESS)
            [request] = flow["unmasq"]["chains"]
            assert (request["client"], request["evidence"]) == (at.C1, "observed")
    assert chain.flows("--client", "2.2.2.2") == []


def test_the_old_how_to_with_reports_only(lab: Lab, chain: Chain) -> None:
    with chain.collecting("--reports-only", log=lab.nginx.log("seed")) as collecting:
        until(lambda: collecting.ask("/readyz") == (200, "speaks reports\n"), "the collector to speak to the node", 30)
        for headers, named in ((BOTH, "2.2.2.2"), (ALONE, "1.1.1.1")):
            flow = flow_of(chain, curl(lab, f"http://{at.INGRESS}/local", headers), named)
            assert (flow["original_source_ips"], flow["unmasq"]["join"]) == ([named], "exact")
            [request] = flow["unmasq"]["chains"]
            assert (request["client"], request["evidence"]) == (None, None)
            assert request["headers"]["reported_by"] == ["shop/web-1"]
    assert chain.flows("--client", "1.1.1.1") + chain.flows("--client", "2.2.2.2") == []
