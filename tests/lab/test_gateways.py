"""Every other proxy that may stand before pods, set up by the template that we print: whoever comes is named rightly, or nobody is.

The lines are read and walked as everywhere; what the kernel has of the connection is beside it.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from unmasq.model.address import parse, to_text
from unmasq.model.flowbatch import Flag
from unmasq.model.ingress import Chunk, FileIdentity, Reject, Shape
from unmasq.read.formats.lines import LineReader
from unmasq.read.formats.proxies import FormatName
from unmasq.unwind.trust import entry

from . import gateways, http2
from . import topology as at
from .cluster import Lab
from .conntrack import entries
from .deadline import until
from .lines import NewLines
from .reading import READ_US, read
from .watched import Watched
from .ways import BEHIND_L4, FORGED, STRANGER, WAYS, Way

pytestmark = pytest.mark.needs("lab")
EDGES = [entry("edge", address) for address in (at.EDGE, at.EDGE_V6)]
BALANCERS = [entry("edge", address, "proxy-protocol") for address in (at.EDGE, at.EDGE_V6)]


def gateway(name: str, kind: type[gateways.Gateway], proxy: FormatName, needs: str | None = None) -> object:
    return pytest.param((kind, proxy), id=name, marks=pytest.mark.needs(needs or name))


GATEWAYS = (
    gateway("envoy", gateways.Envoy, "envoy"),
    gateway("apache", gateways.Apache, "apache"),
    gateway("apache-remoteip", gateways.ApacheRemoteip, "apache", "apache"),
    gateway("caddy", gateways.Caddy, "caddy"),
    gateway("traefik", gateways.Traefik, "traefik"),
)


class Started(NamedTuple):
    """A proxy with a balancer before it."""

    lab: Lab
    server: gateways.Gateway
    proxy: FormatName

    @property
    def port(self) -> int:
        return self.server.port


@pytest.fixture(scope="module", params=GATEWAYS)
def started(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Started]:
    kind, proxy = request.param
    with ExitStack() as stack:
        server = stack.enter_context(kind(lab.network))
        stack.enter_context(gateways.Balancer(lab.network, *server.ports))
        yield Started(lab, server, proxy)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_the_client_of_every_way(started: Started, way: Way) -> None:
    new = started.server.new_lines()
    answer = way.ask(started.lab, started.port)
    (line,) = read(new.wait(), started.proxy, EDGES)
    assert (answer.status, line.reject) == (200, Reject.NONE)
    assert line.client == way.client
    assert not line.verdict.flags
    assert (line.source, line.source_port) in accepted(started.lab, started.port)
    if started.proxy in ("caddy", "traefik"):
        assert line.destination == ""
    else:
        assert line.destination == (at.INGRESS_V6 if ":" in line.source else at.INGRESS)


def test_lines_meet_their_connections(started: Started, tmp_path: Path) -> None:
    lacks = started.proxy in ("caddy", "traefik")
    listeners = [f"{at.INGRESS}:{started.port}", f"[{at.INGRESS_V6}]:{started.port}"] if lacks else []
    started.lab.network.switches(on=True)
    with Watched(started.lab, tmp_path / "store", EDGES, log=started.server.log, listeners=listeners) as watched:
        for way in WAYS:
            way.ask(started.lab, started.port)
        flows = watched.flows(len(WAYS))
    assert {flow.unmasq.join for flow in flows} == {"partial" if lacks else "exact"}
    assert sorted(str(chain.client) for flow in flows for chain in flow.unmasq.chains) == sorted(way.client for way in WAYS)


def accepted(lab: Lab, port: int) -> set[tuple[str, int]]:
    """The far ends of the connections to a port, as the kernel has them."""
    found = (one.as_accepted for one in entries(lab.network) if one.as_accepted.destination_port == port)
    return {(one.source, one.source_port) for one in found}


def test_what_a_client_forges_is_told_as_a_claim_or_not_at_all(started: Started) -> None:
    new = started.server.new_lines()
    started.lab.request("c1", at.INGRESS, started.port, "/", FORGED)
    (line,) = read(new.wait(), started.proxy, EDGES)
    named = {name: [to_text(*pair) for pair in pairs] for name, pairs in line.headers.items() if pairs}
    if started.proxy == "traefik":
        assert "x-forwarded-for" not in named  # from a peer that Traefik does not trust it is dropped before the log
        assert "x-real-ip" not in named
    else:
        assert (named["x-forwarded-for"], named["x-real-ip"]) == (["6.6.6.6"], ["6.6.6.7"])
    assert (named["forwarded"], named["cf-connecting-ip"], named["true-client-ip"]) == (["6.6.6.8"], ["6.6.6.9"], ["6.6.6.10"])


def test_requests_that_share_a_connection_have_a_client_each(started: Started) -> None:
    clients = [f"198.18.0.{number}" for number in range(1, 21)]
    new = started.server.new_lines()
    with started.lab.connect("edge", at.INGRESS, started.port) as connection:
        assert http2.request_all(connection, [[("x-forwarded-for", f"6.6.6.6, {client}")] for client in clients]) == len(clients)
    lines = read(new.wait(len(clients)), started.proxy, EDGES)
    assert sorted(str(line.client) for line in lines) == sorted(clients)
    assert len({line.source_port for line in lines}) == 1


def test_two_header_lines_are_one_list(started: Started) -> None:
    new = started.server.new_lines()
    started.lab.request("edge", at.INGRESS, started.port, "/", [("X-Forwarded-For", "8.8.8.8"), ("X-Forwarded-For", "9.9.9.9")])
    (line,) = read(new.wait(), started.proxy, EDGES)
    assert line.headers["x-forwarded-for"] == [parse("8.8.8.8"), parse("9.9.9.9")]
    assert line.client == "9.9.9.9"


def test_a_trusted_proxy_that_sends_no_header_makes_nobody_else_a_client(started: Started) -> None:
    new = started.server.new_lines()
    started.lab.request("edge", at.INGRESS, started.port, "/", [("Forwarded", "for=6.6.6.8")])
    (line,) = read(new.wait(), started.proxy, EDGES)
    silent = (None, Flag.OBSCURED) if started.proxy == "traefik" else (at.EDGE, Flag.ALL_TRUSTED)
    assert (line.client, line.verdict.flags) == silent


@pytest.fixture(scope="module")
def envoy(lab: Lab) -> Iterator[gateways.Envoy]:
    with gateways.Envoy(lab.network) as server, gateways.Balancer(lab.network, 9002, 9012):
        yield server


@pytest.mark.needs("envoy")
@pytest.mark.parametrize("beyond", [200, 300], ids=["v2", "v1"])
@pytest.mark.parametrize("to", [at.EDGE, at.EDGE_V6])
@pytest.mark.parametrize("headers", [(), FORGED], ids=["plain", "forged"])
def test_envoy_behind_proxy_protocol(lab: Lab, envoy: gateways.Envoy, beyond: int, to: str, headers: tuple[tuple[str, str], ...]) -> None:
    new = envoy.new_lines()
    lab.request("c1", to, 9012 + beyond, "/", headers)
    (line,) = read(new.wait(), "envoy", BALANCERS)
    assert (line.source, line.destination) == (at.EDGE, at.INGRESS)
    assert (line.source, line.source_port) in accepted(lab, 9012)
    assert (line.client, line.verdict.flags) == (at.C1_V6 if ":" in to else at.C1, Flag.HEADER_CONFLICT if headers else Flag(0))
    assert [to_text(*pair) for pair in line.headers["x-forwarded-for"]] == (["6.6.6.6"] if headers else [])


@pytest.mark.needs("envoy")
def test_a_proxy_header_of_a_stranger_is_only_a_claim(lab: Lab, envoy: gateways.Envoy) -> None:
    new = envoy.new_lines()
    STRANGER.ask(lab, 9012, "local")
    (line,) = read(new.wait(), "envoy", BALANCERS)
    assert (line.source, line.client) == (at.C1, at.C1)
    assert line.headers["proxy-protocol"] == [parse("8.8.8.8")]


@pytest.mark.needs("envoy")
@pytest.mark.parametrize(("host", "forwarded", "client"), [("c1", "6.6.6.6", at.C1), ("edge", f"6.6.6.6, {at.C2}", at.C2)])
def test_envoy_that_trusts_a_hop_itself(lab: Lab, envoy: gateways.Envoy, host: str, forwarded: str, client: str) -> None:
    new = envoy.new_lines()
    lab.request(host, at.INGRESS, 9022, "/local", [("X-Forwarded-For", forwarded)])
    (line,) = read(new.wait(), "envoy", EDGES)
    assert (line.client, line.reject) == (client, Reject.NONE)


@pytest.mark.needs("envoy")
def test_the_default_formats_of_others(lab: Lab, envoy: gateways.Envoy) -> None:
    """With a port the address is the socket's; without one it was taken from a header, and nothing can be checked."""
    gateway, mesh = NewLines(envoy.folder / "gateway.log"), NewLines(envoy.folder / "mesh.log")
    lab.request("edge", at.INGRESS, 9032, "/local", [("X-Forwarded-For", f"6.6.6.6, {at.C2}")])
    lab.request("c1", at.INGRESS, 9042, "/local", [("X-Forwarded-For", "6.6.6.6")])
    (line,) = read(gateway.wait(), "envoy", EDGES)
    assert (line.source, line.destination, line.client) == (at.EDGE, at.INGRESS, at.C2)
    (line,) = read(mesh.wait(), "envoy", EDGES)
    assert (line.source, line.client, line.verdict.flags.labels()) == ("", None, ["obscured"])
    assert [to_text(*pair) for pair in line.headers["prefix"]] == ["6.6.6.6"]


@pytest.mark.needs("traefik")
def test_traefik_behind_proxy_protocol_tells_the_word_of_the_header(lab: Lab) -> None:
    with gateways.Traefik(lab.network) as server, gateways.Balancer(lab.network, 9005, 9015):
        new = server.new_lines()
        lab.request("c1", at.EDGE, 9215)
        lab.request("c1", at.EDGE, 9315, "/", FORGED)
        for line in read(new.wait(2), "traefik", BALANCERS):
            assert (line.client, line.reject) == (at.C1, Reject.NONE)
            assert (line.source, line.source_port) not in accepted(lab, 9015)


@pytest.mark.needs("apache")
def test_apache_behind_proxy_protocol_keeps_the_peer_and_names_nobody(lab: Lab) -> None:
    with gateways.ApacheRemoteip(lab.network) as server, gateways.Balancer(lab.network, *server.ports):
        new = server.new_lines()
        for way in BEHIND_L4:
            way.ask(lab, 9033)
        for line in read(new.wait(len(BEHIND_L4)), "apache", BALANCERS):
            assert (line.source, line.client, line.verdict.flags) == (at.EDGE, None, Flag.OBSCURED)
            assert (line.source, line.source_port) in accepted(lab, 9033)


@pytest.mark.needs("apache")
def test_apache_that_notes_too_late_is_rejected_rather_than_believed(lab: Lab) -> None:
    with gateways.ApacheRemoteipFirst(lab.network) as server:
        new = server.new_lines()
        lab.request("edge", at.INGRESS, server.port, "/", [("X-Forwarded-For", f"6.6.6.6, {at.C1}")])
        (line,) = read(new.wait(), "apache", EDGES)
        assert (line.source, line.client, line.reject) == (at.EDGE, None, Reject.BAD_VALUE)
        assert line.verdict.flags == Flag.OBSCURED


@pytest.mark.parametrize("name", ["nginx", "ingress-nginx", "nginx-inc"])
def test_nginx_takes_the_printed_line(lab: Lab, name: FormatName) -> None:
    new = lab.nginx.new_lines(name)
    lab.request("c1", at.EDGE, 80, "/local", FORGED[:1])
    (raw,) = new.wait()
    (line,) = read([raw], name, EDGES)
    assert (line.client, line.destination, line.reject) == (at.C1, at.INGRESS, Reject.NONE)
    assert LineReader().read(Chunk(FileIdentity(1, 1, ""), "log", 0, raw), READ_US).shape.tolist() == [Shape.MARKER]


def test_lines_that_come_late_come(started: Started) -> None:
    """A request that fails in the middle has a line as well, or none: it never has one that cannot be read."""
    new = started.server.new_lines()
    with started.lab.connect("c1", at.INGRESS, started.port) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: a\x01b\r\n\r\n")
        connection.answer()
    started.lab.request("c2", at.INGRESS, started.port)
    lines = until(lambda: [line for line in [read(new.now(), started.proxy, EDGES)] if any(one.source == at.C2 for one in line)], "a line")[
        0
    ]
    assert {line.reject for line in lines} == {Reject.NONE}
    assert {line.client for line in lines} <= {at.C1, at.C2}
