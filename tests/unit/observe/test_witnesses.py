"""Several witnesses as one: in order, readable together, and none of them brings the others down."""

import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.observe.test_replay import DESTROY, DUMP, NEW, told
from unmasq.base.clock import ManualClock
from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE
from unmasq.model.connection import ConnectionBatch
from unmasq.observe.feed import CONNTRACK, SOCKETS
from unmasq.observe.listeners import Listener, Listeners
from unmasq.observe.replay import Replay
from unmasq.observe.witnesses import Place, Witnesses

HOST, POD, OTHER_POD = Place(None, CONNTRACK), Place("/proc/self/ns/net", SOCKETS), Place("/proc/thread-self/ns/net", SOCKETS)


class Failing(Replay):
    """A witness whose kernel refuses from some time on."""

    refuses = False

    def read(self) -> ConnectionBatch:
        return self._or_refuse(super().read())

    def dump(self) -> ConnectionBatch:
        return self._or_refuse(super().dump())

    def _or_refuse(self, batch: ConnectionBatch) -> ConnectionBatch:
        if self.refuses:
            raise KernelError("refused")
        return batch


class Several:
    """Witnesses over recorded rows; a place without rows cannot be opened."""

    def __init__(self) -> None:
        self.clock, self.counters = ManualClock(100), Counters()
        self.rows: dict[Place, list[ConnectionBatch]] = {}
        self.opened: list[tuple[Place, Failing]] = []
        self.all = Witnesses(self._open, self.counters, self.clock)

    def add(self, place: Place, *rows: ConnectionBatch) -> None:
        self.rows[place] = list(rows)
        self.all.add(place)

    def _open(self, place: Place) -> Failing:
        if place not in self.rows:
            raise KernelError(f"nothing at {place.name}")
        member = Failing(self.rows[place], self.clock, Listeners(Counters(), [Listener(*NONE, 80)]))
        self.opened.append((place, member))
        return member

    def is_readable(self) -> bool:
        return bool(select.select([self.all], [], [], 0)[0])


@pytest.fixture
def several() -> Iterator[Several]:
    each = Several()
    with each.all:
        yield each


def test_what_all_have_seen_comes_together_in_the_order_of_the_places(several):
    assert not several.is_readable()
    several.add(HOST, told((10, NEW), (30, DUMP)))
    several.add(POD, told((5, DESTROY), (40, DUMP)))
    several.add(OTHER_POD, told((20, DESTROY)))
    assert several.is_readable()
    assert several.all.read().seen_us.tolist() == [10, 5, 20]
    assert not several.is_readable()
    assert several.all.dump_due(100)
    assert several.all.dump().seen_us.tolist() == [30, 40]
    assert not several.all.dump_due(100)


def test_a_place_that_is_let_go_says_nothing_more(several):
    several.add(HOST, told((10, NEW)))
    several.add(POD, told((10, DESTROY)))
    several.all.remove(POD)
    several.all.remove(POD)
    assert several.all.read().event.tolist() == [NEW]
    assert several.all.places == [HOST]
    assert several.opened[1][1].fileno() == -1


def test_a_place_that_cannot_be_opened_is_told_and_tried_again_at_each_dump(several):
    several.add(HOST, told((10, NEW)))
    several.all.add(POD)
    assert [(place, error.what) for place, error in several.all.troubles.items()] == [(POD, f"nothing at {POD.name}")]
    several.all.dump()
    assert not several.all.dump_due(101)
    assert several.all.dump_due(5_000_200)
    several.clock.move_to(5_000_200)
    several.rows[POD] = [told((20, DESTROY))]
    several.all.dump()
    assert not several.all.troubles
    assert several.all.read().event.tolist() == [NEW, DESTROY]
    assert several.counters.of("witness_failed", "sockets") == 1


@pytest.mark.parametrize("question", [Witnesses.read, Witnesses.dump])
def test_one_that_fails_is_opened_again_and_the_others_go_on(several, question):
    several.add(HOST, told((10, NEW), (10, DUMP)))
    several.add(POD, told((10, DESTROY), (10, DUMP)))
    several.opened[1][1].refuses = True
    assert question(several.all).seen_us.tolist() == [10]
    assert several.all.troubles.keys() == {POD}
    assert several.counters.of("witness_failed", "sockets") == 1
    several.all.dump()
    assert [place for place, _ in several.opened] == [HOST, POD, POD]
    assert not several.all.troubles


def test_a_namespace_that_has_gone_is_let_go_and_its_next_one_is_watched(several, tmp_path: Path):
    name = tmp_path / "ns"
    name.touch()
    pod = Place(str(name), SOCKETS)
    several.add(pod, told((10, DUMP)))
    name.unlink()
    assert len(several.all.dump()) == 0
    assert several.opened[0][1].fileno() == -1
    assert "there is no network namespace" in several.all.troubles[pod].what
    name.touch()
    several.all.dump()
    assert len(several.opened) == 2
    (tmp_path / "another").touch()
    (tmp_path / "another").rename(name)
    several.all.dump()
    assert len(several.opened) == 3
    assert not several.all.troubles
