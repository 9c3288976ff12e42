"""The sockets of a proxy as witnesses, on a real kernel that tracks no connections, and beside one that does."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from unmasq.base import moments
from unmasq.base.clock import SystemClock
from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import switches
from unmasq.observe.feed import SOCKETS
from unmasq.observe.listeners import Listener, Listeners
from unmasq.observe.witness import Witness
from unmasq.observe.witnesses import Place, Witnesses

from . import topology as at
from .client import Connection
from .cluster import Lab
from .conntrack import Tuple, entries
from .deadline import until
from .namespace import NAMES, inside, socket_in
from .processes import ip_batch
from .running import Running
from .test_observe import DESTROY, ends, heard, one

pytestmark = pytest.mark.needs("lab")
REQUEST = b"GET /local HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSINGS = 1500
ONE_INTERVAL = ("--interval-seconds", "3600")
"""Flows close when the program ends."""
WAYS = {
    "v4": (at.INGRESS, 80, at.INGRESS, at.C1),
    "v6": (at.INGRESS_V6, 80, at.INGRESS_V6, at.C1_V6),
    "v4 at a dual-stack socket": (at.INGRESS, 8084, at.INGRESS, at.C1),
}


@pytest.fixture
def bypassed(lab: Lab) -> Lab:
    """A lab whose node tracks no connection at all, as a data plane beside conntrack leaves it."""
    lab.network.nat("none")
    lab.network.switches(on=False)
    lab.network.forget()
    return lab


def witness_at(space: str, counters: Counters, port: int, buffer_bytes: int = 1 << 20) -> Witness:
    listeners = Listeners(counters, [Listener(*NONE, port)])
    return Witness(space, counters, SystemClock(), listeners, feed=SOCKETS, buffer_bytes=buffer_bytes)


@pytest.mark.parametrize(("to", "port", "proxy", "client"), WAYS.values(), ids=WAYS)
def test_a_socket_is_seen_while_it_lives_and_at_its_end(bypassed: Lab, to: str, port: int, proxy: str, client: str) -> None:
    counters, clock = Counters(), SystemClock()
    with witness_at(bypassed.network.namespace("ingress"), counters, port) as witness:
        began_us = clock.now_us()
        assert len(witness.dump()) == 0
        with bypassed.connect("c1", to, port) as connection:
            answer = exchanged(connection)
            seen = Tuple(proxy, port, client, connection.local_port)
            open_ = until(lambda: counted(witness.dump(), answer), "the answer to be acknowledged")
            assert ends(open_) == (Tuple(client, connection.local_port, proxy, port), seen)
            assert began_us <= open_.after_us[0] <= open_.seen_us[0]
            connection.close()
            closed_us = clock.now_us()
        gone = one(heard(witness, DESTROY))
        assert len(witness.dump()) == 0
    assert (ends(gone)[1], gone.id[0]) == (seen, open_.id[0])
    assert abs(int(gone.stop_us[0]) - closed_us) < 1_000_000
    assert (gone.bytes_orig[0], gone.bytes_reply[0]) == (len(REQUEST) + 1, answer + 1)  # the kernel counts each FIN
    assert not entries(bypassed.network)


def counted(batch: ConnectionBatch, answer: int) -> ConnectionBatch:
    return batch.take((batch.bytes_orig == len(REQUEST)) & (batch.bytes_reply == answer))


def exchanged(connection: Connection) -> int:
    """Ask once; returns the bytes of the whole answer."""
    connection.send(REQUEST)
    received = b""
    while not received.endswith(b"\r\n\r\nok\n"):
        received += connection.receive(1)
    return len(received)


@contextmanager
def a_namespace(name: str) -> Iterator[str]:
    """A namespace with a name and a loopback."""
    ip_batch([f"netns add {name}"])
    try:
        ip_batch(["link set lo up"], name)
        yield name
    finally:
        ip_batch([f"netns del {name}"])


@contextmanager
def accepting(name: str) -> Iterator[socket.socket]:
    """A socket that listens there."""
    with socket_in(NAMES / name, socket.AF_INET) as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        yield server


def come_and_gone(server: socket.socket, name: str) -> None:
    with inside(NAMES / name), socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        client.close()
        accepted.close()


def test_ends_that_overrun_the_buffer_are_counted_exactly() -> None:
    counters = Counters()
    with a_namespace(f"umsock{os.getpid()}") as name, accepting(name) as server:
        port = server.getsockname()[1]
        with witness_at(name, counters, port, buffer_bytes=20_000) as witness:
            witness.dump()
            for _ in range(CLOSINGS):
                come_and_gone(server, name)
            # Both ends of each connection are in this namespace: an event each.
            until(lambda: not witness.read() and all_told(counters), "all ends to be told or counted as lost")
    assert counters.of("sockets_lost") > 0
    assert counters.of("sockets_overruns") >= 1
    assert counters.of("sockets_malformed") == 0


def all_told(counters: Counters) -> bool:
    told, lost = counters.of("sockets_events"), counters.of("sockets_lost")
    assert told + lost <= 2 * CLOSINGS
    return lost > 0 and told + lost == 2 * CLOSINGS


def test_a_pod_that_goes_and_comes_again_is_watched_again() -> None:
    counters, clock = Counters(), SystemClock()
    name = f"umpod{os.getpid()}"
    listeners = Listeners(counters, [Listener(*NONE, 0)])
    place = Place(name, SOCKETS)
    with Witnesses(lambda p: Witness(p.space, counters, clock, listeners, feed=p.feed), counters, clock) as witnesses:
        witnesses.add(place)
        assert "there is no network namespace" in witnesses.troubles[place].what
        for _ in range(2):
            with a_namespace(name) as space, accepting(space) as server:
                listeners.add([Listener(*NONE, server.getsockname()[1])])
                witnesses.dump()
                assert not witnesses.troubles
                come_and_gone(server, space)
                assert len(until(witnesses.read, "the end of the connection")) == 1
            witnesses.dump()
            assert "there is no network namespace" in witnesses.troubles[place].what
    assert counters.of("witness_failed", "sockets") == 3


def kept(running: Running, counter: str) -> list[dict[str, Any]]:
    """What the store holds at the end, which comes once a line and so many ends of sockets were read."""
    until(lambda: {"lines_read", counter} <= counters_of(running).keys(), "the line and the end of its connection", 20)
    running.__exit__(None, None, None)
    answer = running.asked("flows", "-o", "json")
    assert answer.returncode == 0, answer.stderr
    flows: list[dict[str, Any]] = json.loads(answer.stdout)["flows"]
    return flows


def counters_of(running: Running) -> dict[str, int]:
    counters: dict[str, int] = json.loads(running.asked("doctor", "-o", "json").stdout)["counters"]
    return counters


@pytest.mark.parametrize(("to", "port", "client"), [(at.INGRESS, 80, at.C1), (at.INGRESS_V6, 80, at.C1_V6), (at.INGRESS, 8084, at.C1)])
def test_without_conntrack_a_request_joins_exactly_with_the_bytes_at_its_close(
    bypassed: Lab, tmp_path: Path, to: str, port: int, client: str
) -> None:
    watched = ("--sockets", bypassed.network.namespace("ingress"), "--listener", f"*:{port}")
    with Running(bypassed, tmp_path / "store", bypassed.nginx.log("extended"), *watched, *ONE_INTERVAL) as running:
        with bypassed.connect("c1", to, port) as connection:
            answer = exchanged(connection)
        (flow,) = kept(running, "sockets_events")
    assert (flow["source_ip"], flow["source_port"], flow["unmasq"]["join"]) == (client, connection.local_port, "exact")
    assert (flow["bytes_in"], flow["bytes_out"]) == (len(REQUEST) + 1, answer + 1)
    assert (flow["unmasq"]["flags"], flow["num_flows_completed"]) == (["application_bytes"], 1)
    assert [(who["ip"], who["evidence"]) for who in flow["unmasq"]["clients"]] == [(client, "observed")]


def test_conntrack_and_the_socket_together_make_one_flow(lab: Lab, tmp_path: Path) -> None:
    lab.network.switches(on=True)
    lab.network.nat("cluster")
    watched = ("--sockets", lab.network.namespace("ingress"), "--listener", "*:80")
    with Running(lab, tmp_path / "store", lab.nginx.log("extended"), *watched, *ONE_INTERVAL) as running:
        with lab.connect("c1", at.NODE, 30080) as connection:
            exchanged(connection)
        closed_us = SystemClock().now_us()
        (flow,) = kept(running, "sockets_events")
    ours = flow["unmasq"]
    assert (flow["source_ip"], ours["join"], ours["nat_source_ip"], ours["flags"]) == (at.GATEWAY, "nat", at.C1, [])
    assert [(who["ip"], who["evidence"]) for who in ours["clients"]] == [(at.C1, "observed")]
    assert ours["connection"]["original"]["dest_ip"] == at.NODE
    assert abs(moments.parse(ours["connection"]["end"], 0) - closed_us) < 1_000_000  # conntrack alone would see it up to 5 s late


def test_the_doctor_finds_a_data_plane_beside_conntrack_and_where_the_sockets_are(bypassed: Lab, tmp_path: Path) -> None:
    """A namespace that tracks, but which the connections do not pass, is what a bypassed conntrack looks like."""
    switches.turn_on(bypassed.network.namespace("backend"))
    short = ("--interval-seconds", "0.2", "--linger-seconds", "0.2", "--wait-seconds", "0.5")
    with Running(bypassed, tmp_path / "store", bypassed.nginx.log("extended"), *short, host="backend") as running:
        with bypassed.connect("c1", at.INGRESS, 80) as connection:
            exchanged(connection)
            checks = until(lambda: said_of(running, "kernel", "bypasses"), "the doctor to tell", 20)
    assert checks["state"] == "broken"
    where = checks["next"].rpartition("--sockets ")[2]
    assert Path(where).stat().st_ino == bypassed.network.namespace_path("ingress").stat().st_ino


def said_of(running: Running, link: str, word: str) -> dict[str, str]:
    found: list[dict[str, str]] = json.loads(running.asked("doctor", "-o", "json").stdout)["checks"]
    return next((check for check in found if check["link"] == link and word in check["seen"]), {})
