"""What docs/environments.md says of places that the lab can build: the join and the client of each, with real proxies and a real kernel."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from unmasq.find.proxies import ENOUGH, pointers
from unmasq.join.settings import WindowSettings
from unmasq.model.filter import FlowFilter
from unmasq.model.flow import Flow
from unmasq.unwind.presets import cdn
from unmasq.unwind.published import ranges_of
from unmasq.unwind.trust import TrustEntry, TrustList, entry

from . import http2
from . import topology as at
from .cluster import Lab
from .deadline import until
from .environments import CloudEdge, HostIngress, Relays, a_backend, echo_websocket, said_over_tls, tls_echo
from .test_paths import FORGED
from .watched import Watched

pytestmark = pytest.mark.needs("lab")
EDGES = [entry("edge", address) for address in (at.EDGE, at.EDGE_V6)]
CDN = cdn(
    "cdn", ranges_of(json.dumps({"result": {"ipv4_cidrs": [f"{at.EDGE}/32"], "ipv6_cidrs": [at.EDGE_V6]}})), "CF-Connecting-IP"
).entries
LYING = (*FORGED, ("CF-Connecting-IP", "3.3.3.3"), ("Forwarded", 'for="4.4.4.4'))
UPGRADE = (
    b"GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n"
)
BRIEF = WindowSettings(interval_us=500_000, linger_us=500_000, wait_us=1_000_000)


@pytest.fixture
def switched(lab: Lab) -> Lab:
    lab.network.switches(on=True)
    return lab


@pytest.fixture(scope="module")
def host_ingress(lab: Lab) -> Iterator[HostIngress]:
    with HostIngress(lab.network) as nginx:
        yield nginx


@pytest.fixture(scope="module")
def cloud(lab: Lab) -> Iterator[CloudEdge]:
    with CloudEdge(lab.network) as haproxy:
        yield haproxy


@pytest.fixture(scope="module")
def relays(lab: Lab) -> Iterator[Relays]:
    with Relays(lab.network) as haproxy:
        yield haproxy


def told(flow: Flow) -> tuple[str, list[tuple[str | None, str | None, list[str]]]]:
    """How a flow was joined, and client, evidence and flags of each of its chains."""
    return flow.unmasq.join, [(chain.client, chain.evidence, chain.flags) for chain in flow.unmasq.chains]


HOSTS = {
    "a client": ("c1", at.NODE, LYING, at.C1, "observed"),
    "a client, v6": ("c1", at.NODE_V6, LYING, at.C1_V6, "observed"),
    "the edge": ("edge", at.NODE, (("X-Forwarded-For", f"9.9.9.9, {at.C2}"),), at.C2, "forwarded"),
    "the edge, v6": ("edge", at.NODE_V6, (("X-Forwarded-For", f"9.9.9.9, {at.C2_V6}"),), at.C2_V6, "forwarded"),
}


@pytest.mark.parametrize(("host", "to", "headers", "client", "evidence"), HOSTS.values(), ids=HOSTS)
def test_an_ingress_in_the_hosts_network(
    switched: Lab,
    tmp_path: Path,
    host_ingress: HostIngress,
    host: str,
    to: str,
    headers: tuple[tuple[str, str], ...],
    client: str,
    evidence: str,
) -> None:
    with Watched(switched, tmp_path / "store", EDGES, log=host_ingress.log("extended")) as watched:
        switched.request(host, to, 80, "/local", headers)
        (flow,) = watched.flows(1)
    assert told(flow) == ("exact", [(client, evidence, [])])
    assert flow.dest_ip == to


@pytest.mark.parametrize(("to", "client"), [(at.EDGE, at.C1), (at.EDGE_V6, at.C1_V6)])
def test_a_network_before_the_cluster_and_those_who_come_around_it(
    switched: Lab, tmp_path: Path, host_ingress: HostIngress, cloud: CloudEdge, to: str, client: str
) -> None:
    around = (at.NODE_V6, at.C2_V6) if ":" in to else (at.NODE, at.C2)
    with Watched(switched, tmp_path / "store", CDN, log=host_ingress.log("cdn")) as watched:
        switched.request("c1", to, 90, "/local", LYING)
        switched.request("c2", around[0], 80, "/local", LYING)
        flows = {flow.source_ip: told(flow) for flow in watched.flows(2)}
    (_, [(through, evidence, flags)]) = flows[at.EDGE]
    assert (through, evidence, flags) == (client, "forwarded", ["header_conflict"]), "the network hands on the forged X-Real-IP"
    assert flows[around[1]] == ("exact", [(around[1], "observed", [])])


def test_a_cloud_balancer_whose_own_address_comes_last(switched: Lab, tmp_path: Path, host_ingress: HostIngress, cloud: CloudEdge) -> None:
    trust = [*EDGES, entry("rule", at.VIP)]
    with Watched(switched, tmp_path / "store", trust, log=host_ingress.log("extended")) as watched:
        for headers in ((), FORGED[:1]):
            switched.request("c1", at.EDGE, 91, "/local", headers)
        flows = watched.flows(2)
    assert [told(flow) for flow in flows] == [("exact", [(at.C1, "forwarded", [])])] * 2


def test_where_its_own_address_is_not_declared_that_is_pointed_at(
    switched: Lab, tmp_path: Path, host_ingress: HostIngress, cloud: CloudEdge
) -> None:
    with Watched(switched, tmp_path / "store", EDGES, log=host_ingress.log("extended")) as watched:
        with switched.connect("c1", at.EDGE, 91) as connection:
            for n in range(ENOUGH):
                connection.request("/local", [("X-Forwarded-For", f"198.18.0.{n}")])
        watched.flows(ENOUGH)
        found = pointers(watched.live.proxies(), TrustList(EDGES))
    assert [(each.name, each.client, each.client_requests) for each in found.lonely] == [("edge", at.VIP, ENOUGH)]
    assert [each.ip for each in found.undeclared] == [at.VIP]


def test_behind_a_userland_proxy_the_client_is_that_proxy_and_nobody_who_was_named(switched: Lab, tmp_path: Path, relays: Relays) -> None:
    """Docker's writes no header: what a client claims stays a claim, and its own address is known to the relay alone."""
    with Watched(switched, tmp_path / "store") as watched:
        switched.request("c1", at.NODE, 8090, "/local", LYING)
        (flow,) = watched.flows(1)
    assert told(flow) == ("exact", [(at.GATEWAY, "observed", [])])


@pytest.mark.parametrize(("to", "client"), [(at.NODE, at.C1), (at.NODE_V6, at.C1_V6)])
def test_behind_a_relay_that_speaks_the_proxy_protocol_the_client_is_known(
    switched: Lab, tmp_path: Path, relays: Relays, to: str, client: str
) -> None:
    trust = [TrustEntry("relay", entry("relay", at.GATEWAY).range, "proxy-protocol")]
    with Watched(switched, tmp_path / "store", trust) as watched:
        switched.request("c1", to, 8091, "/local")
        (flow,) = watched.flows(1)
    assert told(flow) == ("exact", [(client, "forwarded", [])])


def unlogged(watched: Watched) -> list[Flow]:
    return watched.live.flows(FlowFilter(join=("unlogged",))).flows


@pytest.mark.parametrize(
    ("host", "to", "client"), [("c1", at.NODE, at.C1), ("c1", at.NODE_V6, at.C1_V6), ("edge", at.NODE, None)], ids=["v4", "v6", "trusted"]
)
def test_tls_that_is_handed_on_has_no_line_and_an_observed_client(
    switched: Lab, tmp_path: Path, relays: Relays, host: str, to: str, client: str | None
) -> None:
    serve = tls_echo(tmp_path)
    with Watched(switched, tmp_path / "store", EDGES, settings=BRIEF, listeners=["*:8443"]) as watched:
        with a_backend(switched.network, 8444, serve):
            assert said_over_tls(switched.network.namespace_path(host), to, 8443, b"hello") == b"hello"
        (flow,) = until(lambda: unlogged(watched), "the connection without a line")
    assert (flow.unmasq.requests, flow.dest_port) == (0, 8443)
    assert [who.ip for who in flow.unmasq.clients] == ([client] if client else [])
    assert flow.unmasq.flags == ([] if client else ["obscured"]), "whom a trusted proxy spoke for, only its header could tell"


def test_the_streams_of_one_connection_have_their_own_clients(switched: Lab, tmp_path: Path) -> None:
    clients = [f"198.18.0.{n}" for n in range(1, 51)]
    with Watched(switched, tmp_path / "store", EDGES) as watched:
        with switched.connect("edge", at.INGRESS, 8082) as connection:
            http2.request_all(connection, [[("x-forwarded-for", f"9.9.9.9, {client}")] for client in clients], "/local")
        with switched.connect("c1", at.INGRESS, 8082) as connection:
            http2.request_all(connection, [[("x-forwarded-for", client)] for client in clients], "/local")
        flows = {flow.source_ip: flow for flow in watched.flows(100)}
    assert {flow.unmasq.join for flow in flows.values()} == {"exact"}
    assert sorted(str(chain.client) for chain in flows[at.EDGE].unmasq.chains) == sorted(clients)
    assert [(who.ip, who.requests) for who in flows[at.C1].unmasq.clients] == [(at.C1, 50)]


def test_a_websocket_is_a_flow_while_it_lasts_and_its_line_at_the_end_finds_it(
    switched: Lab, tmp_path: Path, host_ingress: HostIngress
) -> None:
    with Watched(switched, tmp_path / "store", log=host_ingress.log("extended"), settings=BRIEF, listeners=[f"{at.NODE}:80"]) as watched:
        with a_backend(switched.network, 8090, echo_websocket), switched.connect("c1", at.NODE, 80) as connection:
            connection.send(UPGRADE)
            assert connection.receive(12) == b"HTTP/1.1 101"
            (open_,) = until(lambda: unlogged(watched), "the connection that has no line yet")
            connection.close()
        (logged,) = watched.flows(1)
    assert [who.ip for who in open_.unmasq.clients] == [at.C1]
    assert told(logged) == ("exact", [(at.C1, "observed", [])])
    assert logged.unmasq.connection
    assert open_.unmasq.connection
    assert logged.unmasq.connection.id == open_.unmasq.connection.id
    assert logged.unmasq.chains[0].statuses == {"101": 1}
