"""Each path into the cluster: what the proxy logs of a connection, and what the kernel knows of the same one."""

import json
from typing import NamedTuple

import pytest

from . import topology as at
from .cluster import Lab
from .conntrack import Entry, Tuple, accepted_as
from .lines import NewLines
from .translation import BalancerMode, NodeMode

pytestmark = pytest.mark.needs("lab")
FORGED = (("X-Forwarded-For", "1.1.1.1"), ("X-Real-IP", "2.2.2.2"))


class Path(NamedTuple):
    """A request, the translations on its way, who opens the connection to the proxy, and what the proxy sees."""

    name: str
    host: str
    to: str
    port: int
    opener: str
    seen: str
    nat: NodeMode = "local"
    balancer: BalancerMode = "none"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    forwarded: str = "-"


PATHS = (
    Path("direct", "c1", at.INGRESS, 80, at.C1, at.C1),
    Path("direct, another client", "c2", at.INGRESS, 80, at.C2, at.C2),
    Path("direct, forged headers", "c1", at.INGRESS, 80, at.C1, at.C1, headers=FORGED, forwarded="1.1.1.1"),
    Path("direct, v6", "c1", at.INGRESS_V6, 80, at.C1_V6, at.C1_V6),
    Path("realip, trusted edge", "edge", at.INGRESS, 8083, at.EDGE, at.EDGE, headers=FORGED, forwarded="1.1.1.1"),
    Path("NodePort", "c1", at.NODE, 30080, at.C1, at.C1),
    Path("NodePort, v6", "c1", at.NODE_V6, 30080, at.C1_V6, at.C1_V6),
    Path("masquerade", "c1", at.NODE, 30080, at.C1, at.GATEWAY, nat="cluster"),
    Path("masquerade, v6", "c1", at.NODE_V6, 30080, at.C1_V6, at.GATEWAY_V6, nat="cluster"),
    Path("LB DNAT", "c1", at.VIP, 80, at.C1, at.C1, balancer="lb-dnat"),
    Path("LB DNAT, v6", "c1", at.VIP_V6, 80, at.C1_V6, at.C1_V6, balancer="lb-dnat"),
    Path("LB DNAT, masquerade", "c1", at.VIP, 80, at.C1, at.GATEWAY, nat="cluster", balancer="lb-dnat"),
    Path("LB DNAT+SNAT", "c1", at.VIP, 80, at.ROUTER, at.ROUTER, balancer="lb-snat"),
    Path("LB DNAT+SNAT, v6", "c1", at.VIP_V6, 80, at.ROUTER_V6, at.ROUTER_V6, balancer="lb-snat"),
    Path("LB DNAT+SNAT, masquerade", "c1", at.VIP, 80, at.ROUTER, at.GATEWAY, nat="cluster", balancer="lb-snat"),
    Path("DSR", "c1", at.VIP, 80, at.C1, at.C1, balancer="dsr"),
    Path("DSR, v6", "c1", at.VIP_V6, 80, at.C1_V6, at.C1_V6, balancer="dsr"),
    Path("L7 edge", "c1", at.EDGE, 80, at.EDGE, at.EDGE, forwarded=at.C1),
    Path("L7 edge, forged", "c1", at.EDGE, 80, at.EDGE, at.EDGE, headers=FORGED, forwarded=f"1.1.1.1, {at.C1}"),
    Path("L7 edge, v6 client", "c1", at.EDGE_V6, 80, at.EDGE, at.EDGE, forwarded=at.C1_V6),
    Path("L7 edge, v6 leg", "c1", at.EDGE, 80, at.EDGE_V6, at.EDGE_V6, path="/six", forwarded=at.C1),
    Path("L7 edge, masquerade", "c1", at.EDGE, 80, at.EDGE, at.GATEWAY, nat="cluster", forwarded=at.C1),
    Path("PROXY v2", "c1", at.EDGE, 81, at.EDGE, at.EDGE),
    Path("PROXY v1", "c1", at.EDGE, 82, at.EDGE, at.EDGE),
    Path("PROXY v2, v6 client", "c1", at.EDGE_V6, 81, at.EDGE, at.EDGE),
    Path("PROXY v1, v6 client", "c1", at.EDGE_V6, 82, at.EDGE, at.EDGE),
    Path("PROXY v2, masquerade", "c1", at.EDGE, 81, at.EDGE, at.GATEWAY, nat="cluster"),
)


@pytest.mark.parametrize("way", PATHS, ids=lambda way: way.name)
def test_line_meets_its_connection(lab: Lab, way: Path) -> None:
    lab.network.nat(way.nat)
    lab.network.balancer(way.balancer)
    seed, extended = lab.nginx.new_lines("seed"), lab.nginx.new_lines("extended")

    answer = lab.request(way.host, way.to, way.port, way.path, way.headers)

    assert answer.status == 200
    line, entry = joined(lab, seed)
    assert (entry.original.source, line["source_ip"]) == (way.opener, way.seen)
    assert line["x-forwarded-for"] == way.forwarded
    if way.port in (81, 82):
        named = payload(extended.wait()[0])
        assert (named["proxy_protocol_ip"], named["proxy_protocol_port"]) == answer_end(answer.local_address, answer.local_port)


def test_masquerade_changes_the_port_where_two_clients_share_one(lab: Lab) -> None:
    lab.network.nat("cluster")
    ends = []
    with (
        lab.connect("c1", at.NODE, 30080, source_port=20001) as first,
        lab.connect("c2", at.NODE, 30080, source_port=20001) as second,
    ):
        for connection in (first, second):
            new = lab.nginx.new_lines("seed")
            connection.request()
            line, entry = joined(lab, new)
            assert line["source_ip"] == at.GATEWAY
            ends.append((entry.original.source, entry.original.source_port, int(line["source_port"])))
        first.reset()  # so that the port is free for the next run
        second.reset()
    assert ends[0] == (at.C1, 20001, 20001)
    assert ends[1][:2] == (at.C2, 20001)
    assert ends[1][2] != 20001


def test_a_dual_stack_listener_logs_mapped_addresses(lab: Lab) -> None:
    new = lab.nginx.new_lines("seed")
    lab.request("c1", at.INGRESS, 8084)
    line = payload(new.wait()[0])
    assert (line["source_ip"], line["destination_ip"]) == (f"::ffff:{at.C1}", f"::ffff:{at.INGRESS}")


def test_a_proxy_header_of_a_stranger_is_logged_too(lab: Lab) -> None:
    new = lab.nginx.new_lines("extended")
    with lab.connect("c1", at.INGRESS, 8081) as connection:
        connection.send(b"PROXY TCP4 8.8.8.8 9.9.9.9 1111 2222\r\n")
        connection.request()
    line = payload(new.wait()[0])
    assert (line["source_ip"], line["proxy_protocol_ip"]) == (at.C1, "8.8.8.8")


def joined(lab: Lab, new: NewLines) -> tuple[dict[str, str], Entry]:
    """The one new line, and the one connection whose reversed reply tuple it names."""
    (raw,) = new.wait()
    line = payload(raw)
    ends = Tuple(line["source_ip"], int(line["source_port"]), line["destination_ip"], int(line["destination_port"]))
    (entry,) = accepted_as(lab.network, ends)
    return line, entry


def payload(line: bytes) -> dict[str, str]:
    """What a line of tame values says."""
    found: dict[str, str] = json.loads(line[line.index(b'{"') :])
    return found


def answer_end(address: str, port: int) -> tuple[str, str]:
    """A client's own end as the log writes it."""
    return address, str(port)
