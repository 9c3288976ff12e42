"""Addresses of nodes: told, one node's own, kept over a restart, forgotten in the end, within bounds."""

import pytest

from unmasq.base.clock import MICROSECONDS, ManualClock
from unmasq.base.errors import StoreError
from unmasq.base.telemetry import Counters
from unmasq.keep.control import nodes
from unmasq.keep.control.nodes import ALIVE_US, SAVED_US, SILENT_US, Nodes
from unmasq.keep.control.state import Control
from unmasq.model.nodesettings import MOST_ADDRESSES, NodeSaid

NOW_US = 1_800_000_000_000_000
ASKS_US = 15 * MICROSECONDS


class Told:
    """What a server knows, and the clock by which it knows it."""

    def __init__(self, folder) -> None:
        self.clock, self.counters, self.control = ManualClock(NOW_US), Counters(), Control(folder)
        self.restart()

    def restart(self) -> None:
        self.nodes = Nodes(self.control, self.clock, self.counters)

    def hear(self, **said: list[str]) -> None:
        for node, addresses in said.items():
            self.nodes.hear(NodeSaid(node, addresses))

    def after(self, us: int) -> None:
        self.clock.move_to(self.clock.now_us() + us)

    def ranges(self) -> list[str]:
        return [one.text for one in self.nodes.ranges()]

    def refused(self) -> dict[str, int]:
        return {reason: count for name, reason, count in self.counters.rows() if name == "node_addresses_refused"}


@pytest.fixture
def told(tmp_path):
    made = Told(tmp_path)
    yield made
    made.control.close()


def test_the_addresses_of_all_nodes_are_known_as_they_are_now(told):
    told.hear(a=["10.0.0.2", "2001:db8:a::2"], b=["10.0.0.3"])
    assert told.ranges() == ["10.0.0.2", "10.0.0.3", "2001:db8:a::2"]
    told.hear(b=["10.0.0.4"])
    assert told.ranges() == ["10.0.0.2", "10.0.0.4", "2001:db8:a::2"]
    assert len(told.nodes) == 2


def test_an_address_that_several_nodes_have_at_once_is_none_of_theirs(told):
    """The bridge of a container engine is 172.17.0.1 on every node, and may be a client's address elsewhere."""
    told.hear(a=["10.0.0.2", "172.17.0.1"], b=["10.0.0.3", "172.17.0.1"])
    assert (told.ranges(), told.nodes.shared) == (["10.0.0.2", "10.0.0.3"], 1)
    told.restart()
    assert told.ranges() == ["10.0.0.2", "10.0.0.3"]


def test_an_address_of_a_node_that_is_gone_may_be_another_ones(told):
    told.hear(old=["10.0.0.3"])
    told.after(ALIVE_US + 1)
    told.hear(new=["10.0.0.3"])
    assert told.ranges() == ["10.0.0.3"]


def test_a_virtual_address_moves_with_its_node(told):
    told.hear(a=["10.0.0.2", "10.0.0.100"], b=["10.0.0.3"])
    told.hear(a=["10.0.0.2"], b=["10.0.0.3", "10.0.0.100"])
    assert told.ranges() == ["10.0.0.2", "10.0.0.3", "10.0.0.100"]


def test_a_restart_forgets_nothing_and_the_time_in_between_is_nobodys_silence(told):
    told.hear(a=["10.0.0.2"], b=["10.0.0.3"])
    told.after(2 * SILENT_US)
    told.restart()
    told.hear(a=["10.0.0.2"])
    told.after(MICROSECONDS * 60)
    told.hear(a=["10.0.0.2", "10.0.0.9"])
    assert told.ranges() == ["10.0.0.2", "10.0.0.3", "10.0.0.9"]


def test_a_node_that_is_silent_for_long_is_forgotten(told):
    told.hear(a=["10.0.0.2"], b=["10.0.0.3"])
    told.after(SILENT_US)
    told.hear(a=["10.0.0.2"])
    assert told.ranges() == ["10.0.0.2", "10.0.0.3"]
    told.after(ASKS_US)
    told.hear(a=["10.0.0.2"])
    assert (told.ranges(), told.counters.of("nodes_forgotten")) == (["10.0.0.2"], 1)
    told.restart()
    assert told.ranges() == ["10.0.0.2"]


def test_who_is_there_is_noted_once_an_hour_where_nothing_changes(told, monkeypatch):
    noted = list[int]()
    monkeypatch.setattr(told.control, "set_node_addresses", lambda rows: noted.append(len(list(rows))))
    for _ in range(SAVED_US // ASKS_US + 2):
        told.hear(a=["10.0.0.2"])
        told.after(ASKS_US)
    assert noted == [1, 1]


def test_what_cannot_be_kept_is_known_all_the_same_and_tried_again(told, monkeypatch):
    def full(_rows):
        raise StoreError("full")

    monkeypatch.setattr(told.control, "set_node_addresses", full)
    told.hear(a=["10.0.0.2"])
    assert (told.ranges(), told.counters.of("store_failed")) == (["10.0.0.2"], 1)
    monkeypatch.undo()
    told.hear(a=["10.0.0.2"])
    told.restart()
    assert told.ranges() == ["10.0.0.2"]


def test_what_says_nothing_beyond_a_machine_or_is_no_address_is_refused(told):
    told.hear(a=["127.0.0.1", "::1", "fe80::1", "169.254.20.10", "224.0.0.1", "0.0.0.0", "10.0.0.2", "10.0.0.0/8", "me", ""])
    assert told.ranges() == ["10.0.0.2"]
    assert told.refused() == {"confined": 6, "invalid": 3}


def test_all_of_it_is_bounded(told, monkeypatch):
    told.hear(a=[f"10.1.{n // 250}.{n % 250}" for n in range(MOST_ADDRESSES + 7)])
    assert (len(told.ranges()), told.refused()) == (MOST_ADDRESSES, {"many": 7})
    monkeypatch.setattr(nodes, "MOST_NODES", 2)
    monkeypatch.setattr(nodes, "MOST_RANGES", 3)
    told.after(MICROSECONDS)
    told.hear(b=["10.2.0.1", "10.2.0.2"], c=["10.3.0.1"])
    assert told.refused() == {"many": 7, "nodes": 1}
    assert told.ranges()[1:] == ["10.2.0.1", "10.2.0.2"]


def test_as_long_as_nothing_changes_it_is_the_same_object(told):
    told.hear(a=["10.0.0.2"])
    before = told.nodes.ranges()
    told.after(ASKS_US)
    told.hear(a=["10.0.0.2"])
    assert told.nodes.ranges() is before
