"""Two nodes and a server over real HTTP: the proxy is on the one, clients come by the other, and each connection is one flow."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Self

import pytest

from tests.lab.deadline import until
from tests.story.traffic import CLIENT, FILE, NODE, NOON, OTHER, PROXY, SECOND, connection, line
from unmasq.base.clock import ManualClock
from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.keep.duck import DuckStore
from unmasq.keep.spool.batches import Spool
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.model.filter import FlowFilter
from unmasq.model.flow import Flow
from unmasq.model.ingress import Chunk
from unmasq.node.desk import Desk
from unmasq.node.flows import Surroundings
from unmasq.node.outbox import Outbox
from unmasq.node.pipeline import Pipeline
from unmasq.node.settings import Told
from unmasq.node.ship import Shipper
from unmasq.node.upstream import Upstream
from unmasq.observe.listeners import Listeners
from unmasq.observe.replay import Replay
from unmasq.serve.server import Public, Server
from unmasq.unwind.trust import entry

CLASH = (NODE, 44420)
"""What the proxy sees of the second of two clients with the same port."""


PROXYS_NODE = "10.0.0.77"


class Log:
    """A source that gives what was written since it was asked last."""

    def __init__(self) -> None:
        self.written, self._read = b"", 0

    def poll(self, now_us: int) -> Iterable[Chunk]:
        data, start = self.written[self._read :], self._read
        self._read = len(self.written)
        return [Chunk(FILE, "log", start, data, live=True)] if data else []


class Node:
    """A node's pipeline, spool and shipper, with a kernel that tells what it is told to."""

    def __init__(
        self, name: str, folder: Path, url: str, clock: ManualClock, kernel: Sequence[ConnectionBatch], addresses: Sequence[str]
    ) -> None:
        self.counters, self.log, self._clock = Counters(), Log(), clock
        self._closing = ExitStack()
        spool = self._closing.enter_context(Spool(folder, clock, self.counters))
        upstream = self._closing.enter_context(Upstream(url, lambda: "token"))
        self._told = Told(spool, self.counters)
        self._told.say(name, addresses)
        self._shipper = Shipper(spool, upstream, self._told, clock, self.counters, lambda: 0.5, print)
        self._outbox = Outbox(spool.put, clock)
        self._listeners = Listeners(self.counters)
        witness = self._closing.enter_context(Replay(kernel, clock, self._listeners))
        desk = Desk(WindowSettings(), self.counters, lambda: self._around(name), witnessed=True, began_us=NOON - SECOND)
        self._pipeline = Pipeline([self.log], witness, self._listeners, desk, self._outbox.append, clock, nullcontext())

    def __enter__(self) -> Self:
        self.ship()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def turn(self) -> None:
        """Look at what has come."""
        self._listeners.set_elsewhere(self._told.now.listeners)
        self._pipeline.step()

    def ship(self) -> None:
        """Send what was handed on, and ask for the settings."""
        self._outbox.flush()
        self._shipper.step()
        while self._shipper.left():
            assert self._shipper.step() == 0, self._shipper.trouble

    def _around(self, name: str) -> Surroundings:
        return Surroundings(name, self._told.now.trust, self._told.now.node_ranges)


class Cluster:
    """The server and both nodes, on one clock."""

    def __init__(self, folder: Path, stack: ExitStack, trust: str, listeners: Sequence[str], addresses: Sequence[str]) -> None:
        self.clock, self.counters = ManualClock(NOON), Counters()
        self._store = stack.enter_context(DuckStore(folder / "store"))
        self._store.control.trust_add([entry("lb", trust)], NOON)
        self._stack = stack.enter_context(ExitStack())
        self._public = Public("127.0.0.1", 0, node_token=lambda: "token", listeners=listeners)
        self.start()
        url = f"http://127.0.0.1:{self._server.port}"
        self.other = stack.enter_context(Node("node-2", folder / "spool-2", url, self.clock, as_translated(), addresses))
        self.proxys = stack.enter_context(Node("node-1", folder / "spool-1", url, self.clock, as_the_proxy_sees(), [PROXYS_NODE]))
        self.proxys.log.written = "".join(text + "\n" for text in LINES).encode()

    def start(self) -> None:
        self._server = self._stack.enter_context(Server(self._store, self._public, self.clock, self.counters))
        self._public = Public(**{**vars(self._public), "port": self._server.port})

    def restart(self) -> None:
        self._stack.close()
        self.start()

    def after(self, seconds: int) -> None:
        """Let time pass on both nodes, a second at a time."""
        for _ in range(seconds):
            self.clock.move_to(self.clock.now_us() + SECOND)
            self.proxys.turn()
            self.other.turn()

    def flows(self) -> list[Flow]:
        return self._server.live.flows(FlowFilter(), 100).flows

    def counted(self, reason: str) -> int:
        return self.counters.of("remote_flows", reason)


def as_the_proxy_sees() -> list[ConnectionBatch]:
    """The kernel of the proxy's node: two connections from the other node, and one that came directly."""
    return [seen for id_, opener in enumerate([(NODE, 7000), CLASH, (OTHER, 5000)], 1) for seen in lasting(id_, opener, opener)]


def as_translated() -> list[ConnectionBatch]:
    """The kernel of the other node: two clients with one port, of which the second gets another one."""
    ways = [((CLIENT, 7000), (NODE, 7000)), ((OTHER, 7000), CLASH)]
    return [seen for id_, (client, seen_as) in enumerate(ways, 1) for seen in lasting(id_, client, seen_as)]


def lasting(id_: int, client: tuple[str, int], seen_as: tuple[str, int]) -> list[ConnectionBatch]:
    """A connection that begins a second after noon and stays: its event, and what dumps show of it."""
    shown = [(1, ConnectionEvent.NEW), *((at, ConnectionEvent.DUMP) for at in range(6, 200, 5))]
    return [
        connection(client, NOON + at * SECOND, id_=id_, event=event, seen_as=seen_as, to=NODE, start=NOON + SECOND) for at, event in shown
    ]


LINES = [line(NODE, 7000, "6.6.6.6"), line(*CLASH, "7.7.7.7"), line(OTHER, 5000)]
COMPLETE: list[tuple[object, ...]] = [
    (OTHER, "exact", OTHER, "observed", []),
    (NODE, "remote-nat", CLIENT, "observed", []),
    (NODE, "remote-nat", OTHER, "observed", []),
]
INCOMPLETE: list[tuple[object, ...]] = [(OTHER, "exact", OTHER, "observed", []), *[(NODE, "exact", None, None, ["snat_elsewhere"])] * 2]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with started(tmp_path) as made:
        yield made


@contextmanager
def started(
    folder: Path, trust: str = "192.0.2.0/24", listeners: Sequence[str] = (f"{PROXY}:80",), addresses: Sequence[str] = (NODE,)
) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(folder, stack, trust, listeners, addresses)


def told(cluster: Cluster) -> list[tuple[object, ...]]:
    """(source, join, client, evidence, flags) of every flow, each of which has one chain."""
    found = [
        (flow.source_ip, flow.unmasq.join, *next((c.client, c.evidence) for c in flow.unmasq.chains), flow.unmasq.flags)
        for flow in cluster.flows()
    ]
    return sorted(found, key=lambda each: (each[0] != OTHER, str(each)))


def test_flows_whose_records_came_in_time_are_stored_with_their_clients(cluster: Cluster) -> None:
    cluster.after(2)
    cluster.other.ship()
    cluster.after(75)
    cluster.proxys.ship()
    assert told(cluster) == COMPLETE
    assert (cluster.counted("at_once"), cluster.counted("without")) == (2, 0)
    assert {flow.unmasq.node for flow in cluster.flows()} == {"node-1"}
    assert cluster.other.counters.of("connections_seen") == 0


def test_flows_whose_records_come_late_are_stored_at_once_and_completed_later(cluster: Cluster) -> None:
    cluster.after(77)
    cluster.proxys.ship()
    assert told(cluster) == INCOMPLETE
    cluster.other.ship()
    cluster.after(13)
    until(lambda: cluster.counted("amended") == 2, "stored flows to be completed")
    assert told(cluster) == COMPLETE


def test_a_server_that_was_started_anew_is_told_again(cluster: Cluster) -> None:
    cluster.after(2)
    cluster.other.ship()
    cluster.restart()
    cluster.after(75)
    cluster.proxys.ship()
    assert told(cluster) == INCOMPLETE
    cluster.restart()
    cluster.other.ship()
    cluster.after(13)
    until(lambda: cluster.counted("amended") == 2, "stored flows to be completed")
    assert told(cluster) == COMPLETE


def test_where_a_node_does_not_tell_its_address_it_is_taken_for_a_client(tmp_path: Path) -> None:
    """Which is why it is told: nobody has set node ranges here, and none of the other stories does."""
    with started(tmp_path, addresses=()) as cluster:
        cluster.after(75)
        cluster.proxys.ship()
        assert (NODE, "exact", NODE, "observed", []) in told(cluster)


def test_a_forged_header_is_not_believed_where_nodes_are_trusted_by_mistake(tmp_path: Path) -> None:
    with started(tmp_path, trust="10.0.0.0/8") as cluster:
        cluster.after(2)
        cluster.other.ship()
        cluster.after(75)
        cluster.proxys.ship()
        assert told(cluster) == COMPLETE


def test_where_the_proxies_are_is_learned_from_the_flows_of_nobody_knows_whom(tmp_path: Path) -> None:
    with started(tmp_path, listeners=()) as cluster:
        cluster.after(77)
        cluster.other.ship()
        assert cluster.other.counters.of("translations_told") == 0
        cluster.proxys.ship()
        assert told(cluster) == INCOMPLETE
        cluster.after(16)
        cluster.other.ship()  # and asks for the settings
        cluster.after(6)
        cluster.other.ship()
        cluster.after(13)
        until(lambda: cluster.counted("amended") == 2, "stored flows to be completed")
        assert told(cluster) == COMPLETE
