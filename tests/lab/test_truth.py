"""Real proxies and a real kernel: the join and the client of every request are right, or the client is null with a flag."""

from pathlib import Path

import pytest

from unmasq.unwind.trust import entry

from . import topology as at
from .cluster import Lab
from .test_paths import FORGED, PATHS
from .test_paths import Path as Way
from .watched import EDGES, NODES, Watched

pytestmark = pytest.mark.needs("lab")


@pytest.fixture
def switched(lab: Lab) -> Lab:
    """A lab whose kernel tracks, and remembers nobody: where a port is taken it gives another, which makes a connection `nat`."""
    lab.network.switches(on=True)
    lab.network.forget()
    return lab


def expected(way: Way) -> tuple[str | None, str | None, list[str]]:
    """(client, evidence, flags) of a path, from how the lab is wired."""
    if way.opener in (at.ROUTER, at.ROUTER_V6):
        return None, None, ["snat_elsewhere"]
    if way.opener not in (at.EDGE, at.EDGE_V6):
        return way.opener, "observed", []
    if way.host == "edge":  # our own request from the edge, with headers that it invents: the proxy is trusted for them
        return "1.1.1.1", "forwarded", ["header_conflict"]
    return (at.C1_V6 if "v6 client" in way.name else at.C1), "forwarded", []


@pytest.mark.parametrize("way", PATHS, ids=lambda way: way.name)
def test_join_and_client_of_every_way(switched: Lab, tmp_path: Path, way: Way) -> None:
    lab = switched
    lab.network.nat(way.nat)
    lab.network.balancer(way.balancer)
    with Watched(lab, tmp_path / "store", EDGES, NODES) as watched:
        lab.request(way.host, way.to, way.port, way.path, way.headers)
        (flow,) = watched.flows(1)
    (chain,) = flow.unmasq.chains
    assert (chain.client, chain.evidence, chain.flags) == expected(way)
    assert flow.source_ip == way.seen
    assert flow.unmasq.join == ("exact" if way.seen == way.opener else "nat")
    assert flow.unmasq.nat_source_ip == (None if way.seen == way.opener else way.opener)
    assert flow.unmasq.connection is not None
    assert flow.unmasq.connection.reply.source_ip in (at.INGRESS, at.INGRESS_V6)


@pytest.mark.parametrize("address", [at.NODE, at.NODE_V6])
def test_a_forged_header_through_a_masquerade_that_is_wrongly_trusted(switched: Lab, tmp_path: Path, address: str) -> None:
    lab = switched
    lab.network.nat("cluster")
    trust = [entry("wrong", "10.0.0.0/8"), entry("wrong", "2001:db8:f1::/64")]
    with Watched(lab, tmp_path / "store", trust) as watched:
        lab.request("c1", address, 30080, headers=FORGED)
        (flow,) = watched.flows(1)
    assert flow.unmasq.join == "nat"
    assert [client.ip for client in flow.unmasq.clients] == [at.C1_V6 if ":" in address else at.C1]


def test_two_clients_that_meet_on_one_source_port(switched: Lab, tmp_path: Path) -> None:
    lab = switched
    lab.network.nat("cluster")
    with Watched(lab, tmp_path / "store", node_ranges=NODES) as watched:
        with lab.connect("c1", at.NODE, 30080, source_port=23_207) as one, lab.connect("c2", at.NODE, 30080, source_port=23_207) as two:
            one.request()
            two.request()
            flows = watched.flows(2)
    assert {flow.unmasq.nat_source_ip for flow in flows} == {at.C1, at.C2}
    assert {client.ip for flow in flows for client in flow.unmasq.clients} == {at.C1, at.C2}
    assert len({flow.source_port for flow in flows}) == 2


def test_two_thousand_clients_on_twenty_connections_are_each_found(switched: Lab, tmp_path: Path) -> None:
    lab = switched
    clients = [f"198.18.{n // 250}.{n % 250 + 1}" for n in range(2000)]
    with Watched(lab, tmp_path / "store", EDGES, NODES) as watched:
        for first in range(0, 2000, 100):
            with lab.connect("edge", at.INGRESS) as connection:
                for client in clients[first : first + 100]:
                    connection.request("/local", [("X-Forwarded-For", f"9.9.9.9, {client}")])
        flows = watched.flows(2000)
        assert len({(flow.source_port, flow.unmasq.connection and flow.unmasq.connection.start) for flow in flows}) == 20
        for client in clients:
            roles = {span.role: span.requests for span in watched.span(client)}
            assert roles == {"client": 1, "claim": 1}
