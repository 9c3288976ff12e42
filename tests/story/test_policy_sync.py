"""From a collector's socket into the store: lines exactly once, reports as claims that make nobody a client."""

from contextlib import nullcontext

import pytest

from tests.lab.deadline import until
from tests.story.peers import Collecting, Node, line, short_folder, write
from tests.story.traffic import NOON, SECOND, connection
from unmasq.base.clock import ManualClock
from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.keep.duck import DuckStore
from unmasq.model.connection import ConnectionBatch
from unmasq.model.filter import FlowFilter
from unmasq.model.ingress import FileIdentity
from unmasq.node.begun import begun_batch
from unmasq.node.desk import Desk
from unmasq.node.flows import Surroundings
from unmasq.node.pipeline import Pipeline
from unmasq.observe.listeners import Listeners
from unmasq.unwind.trust import TrustList, entry

BOTH = TrustList([entry("lb", "10.0.0.0/8", header) for header in ("x-forwarded-for", "x-real-ip")], 1)


class Kernel:
    """A witness that saw one connection."""

    def __init__(self) -> None:
        self._left = [connection(("10.0.0.9", 40000), NOON, to="10.244.1.10")]

    def read(self):
        return self._left.pop() if self._left else ConnectionBatch.empty()

    def dump_due(self, now_us):
        return False

    def dump(self):
        return ConnectionBatch.empty()


class Kept(Node):
    """The pipeline of a node behind the sockets, with a store; committed is what the store has."""

    def __init__(self, folder, store: DuckStore, *, witnessed: bool = True) -> None:
        super().__init__(folder, {file.file: list(file.runs) for file in store.covered()})
        self.store = store
        self._noted: set[FileIdentity] = set()
        counters, clock, around = Counters(), ManualClock(NOON), Surroundings("node-1", BOTH)
        desk = Desk(WindowSettings(), counters, lambda: around, witnessed=witnessed, began_us=NOON - 3600 * SECOND)
        witness = Kernel() if witnessed else None
        self._pipeline = Pipeline([self.sync], witness, Listeners(counters, ()), desk, self._keep, clock, nullcontext())

    def turn(self) -> int:
        """Read what is there; the lines read."""
        lines = self._pipeline.step()
        fresh = {file: offset for file, offset in self.sync.begun.items() if file not in self._noted}
        if fresh:
            self._keep(begun_batch("node-1", fresh, NOON))
            self._noted |= set(fresh)
        return lines

    def finish(self) -> None:
        """Keep all that was read."""
        self._pipeline.finish()

    def _keep(self, batch) -> None:
        self.store.append(batch)
        self.sync.acknowledge(batch.covered())


@pytest.fixture
def folder():
    with short_folder() as folder:
        (folder / "log").touch()
        yield folder


def flows(store, **wanted):
    return store.flows(FlowFilter(**wanted)).flows


def test_a_reported_address_is_claimed_and_searchable_and_nobodys_client(folder):
    with DuckStore(folder / "store") as store, Kept(folder / "run", store) as node:
        with Collecting(folder / "log", node.socket, "--reports-only") as collecting:
            until(lambda: collecting.ask("/readyz")[0] == 200, "a connection", 20)
            write(folder / "log", line(0, "1.1.1.1", "2.2.2.2"), line(1, "3.3.3.3"), line(2, "3.3.3.3"))
            until(lambda: node.turn() == 3, "three requests", 20)
        node.finish()
        [flow] = flows(store, original_source=("2.2.2.2",))
        assert flows(store, claim=("3.3.3.3",)) == [flow]
        assert flows(store, client=("2.2.2.2",)) == flows(store, client=("3.3.3.3",)) == []
    assert flow.unmasq.join == "exact"
    assert sorted(flow.original_source_ips or []) == ["2.2.2.2", "3.3.3.3"]
    assert (flow.num_original_source_ips, flow.unmasq.requests) == (2, 3)
    assert flow.unmasq.clients == []
    assert {(chain.client, *chain.flags) for chain in flow.unmasq.chains} == {(None, "obscured")}
    assert {tuple(chain.headers["reported_by"]) for chain in flow.unmasq.chains} == {("shop/web-1",)}


def test_lines_by_the_collector_are_judged_as_any_line(folder):
    with DuckStore(folder / "store") as store, Kept(folder / "run", store) as node:
        with Collecting(folder / "log", node.socket):
            write(folder / "log", line(0, "1.1.1.1"))
            until(lambda: node.turn() == 1, "the line", 20)
        node.finish()
        [flow] = flows(store, original_source=("1.1.1.1",))
    assert [(client.ip, client.evidence) for client in flow.unmasq.clients] == [("1.1.1.1", "forwarded")]


def test_every_line_is_stored_once_though_collector_and_node_are_killed(folder):
    log, written = folder / "log", 0
    for turn in range(6):
        with DuckStore(folder / "store") as store, Kept(folder / "run", store, witnessed=False) as node:
            with Collecting(log, node.socket) as collecting:
                for _ in range(5):
                    write(log, *(line(written + n) for n in range(100)))
                    written += 100
                    node.turn()
                until(node.turn, "some lines", 20)
                if turn % 2:
                    node.finish()
                collecting.kill()
            node.turn()
            if turn % 3 == 0:
                node.finish()  # else what was taken and not kept is lost with the node
    with DuckStore(folder / "store") as store:
        with Kept(folder / "run", store, witnessed=False) as node, Collecting(log, node.socket):
            until(lambda: node.turn() >= 0 and everything(node, log), "everything", 20)
        found = [path for flow in store.flows(FlowFilter(), limit=1000).flows for chain in flow.unmasq.chains for path in chain.paths]
        assert store.health().requests == written
    assert sorted(set(found)) == sorted(f"/line/{n}" for n in range(written))


def everything(node, log):
    """Whether the store has every byte of the log, once what was read is kept."""
    node.finish()
    return sum(end - start for file in node.store.covered() for start, end in file.runs) == log.stat().st_size
