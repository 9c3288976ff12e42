"""A real proxy that does not log its own end: each line meets its connection, or none where two could be it."""

from pathlib import Path

import pytest

from . import topology as at
from .cluster import Lab
from .deadline import until
from .test_paths import PATHS
from .test_paths import Path as Way
from .test_truth import expected, switched
from .watched import EDGES, NODES, Watched

pytestmark = pytest.mark.needs("lab")
__all__ = ["switched"]  # a fixture, for the tests here

ENDS = [f"{address}:{port}" for address in (at.INGRESS, f"[{at.INGRESS_V6}]") for port in (80, 8081, 8083)]
WAYS = [
    way
    for way in PATHS
    if way.name in ("direct", "direct, forged headers", "direct, v6", "NodePort", "NodePort, v6", "masquerade", "masquerade, v6")
    or way.name in ("LB DNAT, masquerade", "LB DNAT+SNAT, v6", "realip, trusted edge", "L7 edge, forged", "L7 edge, v6 leg")
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_join_and_client_of_lines_without_their_own_end(switched: Lab, tmp_path: Path, way: Way) -> None:
    lab = switched
    lab.network.nat(way.nat)
    lab.network.balancer(way.balancer)
    with Watched(lab, tmp_path / "store", EDGES, NODES, log="partial", listeners=ENDS) as watched:
        lab.request(way.host, way.to, way.port, way.path, way.headers)
        (flow,) = watched.flows(1)
    (chain,) = flow.unmasq.chains
    assert (chain.client, chain.evidence, chain.flags) == expected(way)
    assert flow.unmasq.join == "partial"
    assert flow.source_ip == way.seen
    assert flow.unmasq.nat_source_ip == (None if way.seen == way.opener else way.opener)
    assert (flow.dest_ip, flow.dest_port) == (at.INGRESS_V6 if ":" in way.seen else at.INGRESS, 8083 if way.port == 8083 else 80)


@pytest.mark.parametrize("node", [at.NODE, at.NODE_V6])
def test_two_clients_behind_one_source_and_port_at_two_listeners_are_not_guessed(switched: Lab, tmp_path: Path, node: str) -> None:
    """The masquerade gives both the client's own port, since they go to two ports of the proxy."""
    lab = switched
    lab.network.nat("cluster")
    with Watched(lab, tmp_path / "store", node_ranges=NODES, log="partial", listeners=ENDS) as watched:
        with (
            lab.connect("c1", node, 30080, source_port=23_301) as one,
            lab.connect("c2", node, 30081, source_port=23_301) as two,
        ):
            two.send(b"PROXY UNKNOWN\r\n")
            one.request()
            two.request()
            until(lambda: watched.counters.of("window_gave_up_lines", "ambiguous") == 2, "two lines that are not joined")
            flows = watched.flows(0)
            one.reset()  # so that the port is free for the next run
            two.reset()
    assert {flow.unmasq.join for flow in flows} == {"unwitnessed"}
    assert sum(flow.unmasq.requests for flow in flows) == 2
    assert [client for flow in flows for client in flow.unmasq.clients] == []
