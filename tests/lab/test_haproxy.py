"""HAProxy and the OpenShift router as ingress: the client of every request is right, or null with its flag."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.golden.hostile import HOSTILE
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Reject
from unmasq.read.endpoint import Place
from unmasq.read.formats.lines import LineReader
from unmasq.read.receiver import Receiver

from . import topology as at
from .cluster import Lab
from .deadline import until
from .haproxy import Haproxy, Rsyslog
from .lines import NewLines
from .namespace import inside
from .test_paths import FORGED
from .watched import EDGES, NODES, Watched

pytestmark = pytest.mark.needs("lab")
READ_US = 1_900_000_000_000_000
XFF = "X-Forwarded-For"
TWICE = ((XFF, "1.1.1.1"), (XFF, "3.3.3.3"))
JUNK = ((XFF, b"\x01\xff" * 3000),)
PAST_EDGE = ((XFF, "1.1.1.1"), (XFF, at.EDGE))
LONG = ((XFF, "1.1.1.1, " * 40 + "6.6.6.6"),)
Headers = tuple[tuple[str, str | bytes], ...]
Expected = tuple[str | None, str | None, list[str]]
UNKNOWN: Expected = (None, None, ["obscured"])


class Way(NamedTuple):
    """A request and who is behind it."""

    name: str
    host: str
    to: str
    port: int
    path: str
    headers: Headers
    expected: Expected


def ways() -> Iterator[Way]:
    forged: dict[str, Headers] = {"": (), ", forged": FORGED, ", two lines": TWICE, ", junk": JUNK}
    for name, headers in forged.items():
        for who, port in (("ours", 9001), ("router", 9002), ("router, https", 9443)):
            yield Way(f"{who}{name}", "c1", at.INGRESS, port, "/local", headers, (at.C1, "observed", []))
        for who, path in (("ours", "/local"), ("ours, v6 leg", "/local/six"), ("router", "/local/router")):
            yield Way(f"edge, {who}{name}", "c1", at.EDGE, 83, path, headers, (at.C1, "forwarded", []))
        told = ["header_conflict"] if headers in (FORGED, TWICE) else []  # by the client, since a PROXY header leaves these alone
        for version, port in (("v2", 84), ("v1", 85)):
            yield Way(f"PROXY {version}{name}", "c1", at.EDGE, port, "/local", headers, (at.C1, "forwarded", told))
            yield Way(f"PROXY {version}, v6{name}", "c1", at.EDGE_V6, port, "/local", headers, (at.C1_V6, "forwarded", told))
        yield Way(f"edge, untold{name}", "c1", at.EDGE, 83, "/local/untold", headers, UNKNOWN)
    yield Way("untold, forged", "c1", at.INGRESS, 9003, "/local", FORGED, (at.C1, "observed", []))
    for who, port in (("ours", 9001), ("router", 9002), ("router, https", 9443)):
        yield Way(f"{who}, v6", "c1", at.INGRESS_V6, port, "/local", FORGED, (at.C1_V6, "observed", []))
    yield Way("edge, ours, v6 client", "c1", at.EDGE_V6, 83, "/local", FORGED, (at.C1_V6, "forwarded", []))
    yield Way("edge, router, v6 client", "c1", at.EDGE_V6, 83, "/local/router", FORGED, (at.C1_V6, "forwarded", []))
    yield Way("past the edge, ours", "edge", at.INGRESS, 9001, "/local", PAST_EDGE, ("1.1.1.1", "forwarded", []))
    yield Way("past the edge, router", "edge", at.INGRESS, 9002, "/local", PAST_EDGE, UNKNOWN)
    yield Way("past the edge, six lines", "edge", at.INGRESS, 9001, "/local", ((XFF, at.EDGE),) * 6, UNKNOWN)
    yield Way("the edge itself, ours", "edge", at.INGRESS, 9001, "/local", (), (at.EDGE, "observed", ["all_trusted"]))
    yield Way("the edge itself, router", "edge", at.INGRESS, 9002, "/local", (), UNKNOWN)
    yield Way("whole, ours", "edge", at.INGRESS, 9001, "/local", LONG, ("6.6.6.6", "forwarded", []))
    yield Way("cut, router", "edge", at.INGRESS, 9002, "/local", LONG, UNKNOWN)
    yield Way("lost, ours", "edge", at.INGRESS, 9001, "/local", JUNK, UNKNOWN)


@pytest.fixture(scope="module")
def rsyslog(lab: Lab) -> Iterator[Rsyslog]:
    with Rsyslog(lab.network) as started:
        yield started


@pytest.fixture(scope="module")
def place(lab: Lab) -> Place:
    return Place(str(lab.network.state / "unmasq.sock"))


@pytest.fixture(scope="module")
def haproxy(lab: Lab, rsyslog: Rsyslog, place: Place) -> Iterator[Haproxy]:
    with Haproxy(lab.network, [rsyslog.socket, Path(place.path)]) as started:
        yield started


def received(place: Place) -> closing[Receiver]:
    return closing(Receiver(place, Counters(), 0))


def received_lines(receiver: Receiver, count: int) -> Callable[[], list[bytes]]:
    """Asks for the lines that came, which are an answer once there are so many."""
    lines: list[bytes] = []

    def answer() -> list[bytes]:
        for chunk in receiver.poll(READ_US):
            lines.extend(chunk.data.split(b"\n")[:-1])
        return lines if len(lines) >= count else []

    return answer


@pytest.mark.parametrize("way", list(ways()), ids=lambda way: way.name)
def test_the_client_is_right_or_unknown(lab: Lab, haproxy: Haproxy, place: Place, tmp_path: Path, way: Way) -> None:
    lab.network.switches(on=True)
    with Watched(lab, tmp_path / "store", EDGES, NODES, syslog=[place]) as watched:
        assert lab.request(way.host, way.to, way.port, way.path, way.headers).status == 200
        (flow,) = watched.flows(1)
    (chain,) = flow.unmasq.chains
    assert (chain.client, chain.evidence, chain.flags) == way.expected
    assert flow.unmasq.join == "exact"
    assert flow.unmasq.time_source == ("log" if "untold" in way.name else "line")


@pytest.mark.parametrize("port", [9011, 9012])
def test_a_proxy_header_of_a_stranger_makes_him_nobody_else(lab: Lab, haproxy: Haproxy, place: Place, tmp_path: Path, port: int) -> None:
    with Watched(lab, tmp_path / "store", EDGES, NODES, syslog=[place]) as watched:
        asked_as_somebody_else(lab, port)
        (flow,) = watched.flows(1)
    assert ([client.ip for client in flow.unmasq.clients], flow.unmasq.join) == ([at.C1], "exact")


def test_nor_does_it_behind_the_inner_socket_of_the_router(lab: Lab, haproxy: Haproxy, place: Place, tmp_path: Path) -> None:
    with Watched(lab, tmp_path / "store", EDGES, NODES, syslog=[place]) as watched:
        asked_as_somebody_else(lab, 9453)
        (flow,) = watched.settled(1)
    (chain,) = flow.unmasq.chains
    assert (chain.client, chain.evidence, chain.flags, chain.hops[0].by) == (None, None, ["obscured"], "proxy-protocol")


def asked_as_somebody_else(lab: Lab, port: int) -> None:
    lab.network.switches(on=True)
    with lab.connect("c1", at.INGRESS, port) as connection:
        connection.send(b"PROXY TCP4 8.8.8.8 9.9.9.9 1111 2222\r\n")
        assert connection.request("/local").status == 200


@pytest.mark.parametrize("port", [9001, 9002])
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_every_byte_class_comes_as_it_was_sent(lab: Lab, haproxy: Haproxy, rsyslog: Rsyslog, place: Place, port: int, value: bytes) -> None:
    file, reader = NewLines(rsyslog.file), LineReader()
    with received(place) as receiver:
        lab.request("c1", at.INGRESS, port, "/local", [(XFF, value), ("User-Agent", value)])
        (chunk,) = until(lambda: list(receiver.poll(READ_US)), "a line by syslog")
    batch = reader.read(chunk, READ_US)
    assert (batch.reject.tolist(), batch.source_lo.tolist()) == ([Reject.NONE], [0xFFFF_C633_640A])
    headers = json.loads(reader.vocabulary.text(int(batch.headers[0])))
    assert headers["x-forwarded-for"] == (value.strip(b" \t").decode("latin-1")[: 256 if port == 9002 else None] or "-")
    (written,) = file.wait()
    assert written.strip() + b"\n" == chunk.data.removeprefix(b"haproxy: ")


def test_no_line_is_lost(lab: Lab, haproxy: Haproxy, rsyslog: Rsyslog) -> None:
    file, requests = NewLines(rsyslog.file), 1000
    with inside(lab.network.namespace_path("ingress")):
        udp = Receiver(Place("", "127.0.0.1", 1514), Counters(), 0)
    with closing(udp) as receiver:
        with lab.connect("c1", at.INGRESS, 9001) as connection:
            for number in range(requests):
                connection.request(f"/local/{number}")
        lines = until(received_lines(receiver, requests), "all lines")
    assert [line.removeprefix(b"haproxy: ") for line in lines] == [line.strip() for line in file.wait(requests)]
    assert [json.loads(line[line.index(b"{") :])["uri"] for line in lines] == [f"/local/{n}" for n in range(requests)]


def test_a_message_that_the_sender_cut_still_names_its_source(lab: Lab, haproxy: Haproxy, place: Place) -> None:
    with received(place) as receiver:
        lab.request("c1", at.INGRESS, 9003, "/local", [(XFF, "1.1.1.1, " * 200 + "6.6.6.6")])
        (chunk,) = until(lambda: list(receiver.poll(READ_US)), "a line by syslog")
    batch = LineReader().read(chunk, READ_US)
    assert (batch.reject.tolist(), batch.source_lo.tolist(), batch.headers.tolist()) == ([Reject.TOO_LONG], [0xFFFF_C633_640A], [0])


def test_nothing_that_a_client_sends_to_the_router_makes_a_message_too_long(lab: Lab, haproxy: Haproxy, place: Place) -> None:
    """Escapes make six bytes of one."""
    junk = b"\x01" * 1000
    with received(place) as receiver:
        lab.request("c1", at.INGRESS, 9002, "/local/" + '"' * 900, [(XFF, junk), ("X-Real-IP", junk), ("Host", junk)])
        (chunk,) = until(lambda: list(receiver.poll(READ_US)), "a line by syslog")
    assert LineReader().read(chunk, READ_US).reject.tolist() == [Reject.NONE]
