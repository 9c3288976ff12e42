"""Found before it is on disk, found once, and acknowledged only when it is on disk."""

import threading
from contextlib import contextmanager

import pytest

from tests.contract.test_questions import everything
from tests.contract.traffic import LOG, MadeFlow, batch
from unmasq.base.clock import MICROSECONDS, ManualClock
from unmasq.base.errors import StoreError
from unmasq.keep import live as lives
from unmasq.keep.day.writing import Writer
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter
from unmasq.model.openpart import OpenPart

NOW_US = 1_800_000_000_000_000
SOURCE = parse_range(MadeFlow().source)


@pytest.fixture
def clock():
    return ManualClock(NOW_US)


@pytest.fixture
def store(tmp_path):
    with DuckStore(tmp_path) as store:
        yield store


def ids(store) -> list[int]:
    return sorted(int(flow.unmasq.id[-4:], 16) for flow in everything(store))


def written(store: DuckStore) -> int:
    return len(everything(store))


def test_waits_for_enough_rows(store, clock):
    live = LiveStore(store, clock, rows=6)
    live.append(batch([MadeFlow(minute=-1), MadeFlow()]))
    assert not live.flush_due(NOW_US)
    assert (written(store), ids(live)) == (0, [1, 2])
    live.append(batch([MadeFlow()], first_id=3))
    assert live.flush_due(NOW_US)
    assert (written(store), ids(live)) == (3, [1, 2, 3])


def test_a_question_waits_for_what_is_about_to_be_written(store, clock, monkeypatch):
    monkeypatch.setattr(lives, "PATIENCE_SECONDS", 3600)
    live, found = LiveStore(store, clock, rows=6), list[int | None]()
    live.append(batch([MadeFlow(), MadeFlow(), MadeFlow()]))

    def ask() -> None:
        with live.view(FlowFilter()) as view:
            found.extend(source.day for source in view.sources)

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join(0.2)
    assert asking.is_alive()
    assert live.flush_due(NOW_US)
    asking.join(30)
    assert found == store.days.days()  # and no table of what waited


def test_whoever_looks_goes_before_the_reading_of_logs(store, clock, monkeypatch):
    live, steps = LiveStore(store, clock), list[str]()

    @contextmanager
    def taken():
        steps.append("taken")
        yield
        steps.append("left")

    monkeypatch.setattr(live.precedence, "taken", taken)
    with live.view(FlowFilter()):
        steps.append("looked")
    assert steps == ["taken", "looked", "left"]


def test_a_question_does_not_wait_for_an_owner_who_is_stuck(store, clock, monkeypatch):
    monkeypatch.setattr(lives, "PATIENCE_SECONDS", 0.01)
    live = LiveStore(store, clock, rows=6)
    live.append(batch([MadeFlow(), MadeFlow(), MadeFlow()]))
    assert (written(store), ids(live)) == (0, [1, 2, 3])


def test_all_questions_of_one_moment_see_the_same(store, clock):
    live = LiveStore(store, clock)
    live.append(batch([MadeFlow()]))

    def answer(moment) -> list[tuple[int, ...]]:
        seen = list[tuple[int, ...]]()
        for number in range(3):
            seen.append((len(everything(moment)), moment.health().flows, sum(span.flows for span in moment.span(SOURCE, FlowFilter()))))
            live.append(batch([MadeFlow()], first_id=2 + number))
            live.flush()
        return seen

    first, *others = live.at_one_moment(answer)
    assert others == [first, first]
    assert live.health().flows == 4


def test_waits_no_longer_than_it_may(store, clock):
    live = LiveStore(store, clock, wait_us=30 * MICROSECONDS)
    assert not live.flush_due(NOW_US + 10**12)
    live.append(batch([MadeFlow()]))
    clock.move_to(NOW_US + 20 * MICROSECONDS)
    live.append(batch([MadeFlow()], first_id=2))
    assert not live.flush_due(NOW_US + 30 * MICROSECONDS - 1)
    assert live.flush_due(NOW_US + 30 * MICROSECONDS)
    assert written(store) == 2
    assert not live.flush_due(NOW_US + 90 * MICROSECONDS)


def test_lines_are_covered_once_they_are_on_disk(store, clock):
    live = LiveStore(store, clock)
    live.append(batch([MadeFlow(minute=-1), MadeFlow()]))
    assert live.covered() == []
    live.flush()
    assert [(each.file, each.runs) for each in live.covered()] == [(LOG, [(0, 20)])]


def test_open_flows_are_shown_as_provisional_until_they_come_for_good(store, clock):
    still_open = [batch([MadeFlow(connection=7)])]
    live = LiveStore(store, clock, lambda _known: [OpenPart(1, each) for each in still_open])
    live.append(batch([MadeFlow(connection=6)], first_id=2))
    assert [flow.unmasq.provisional for flow in everything(live)] == [False, True]
    with live.moment:
        live.append(still_open.pop())
    assert [flow.unmasq.provisional for flow in everything(live)] == [False, False]


def test_a_question_gets_a_fresh_picture_of_open_flows(store, clock):
    count = [0]

    def snapshot(_known):
        count[0] += 1
        return [OpenPart(count[0], batch([MadeFlow()] * count[0]))]

    live = LiveStore(store, clock, snapshot)
    assert ids(live) == ids(live) == [1]  # one picture for questions of the same moment
    clock.move_to(NOW_US + MICROSECONDS // 2)
    assert ids(live) == [1, 2]


def test_batches_of_several_nodes_keep_their_names(store, clock):
    live = LiveStore(store, clock)
    for number, node in enumerate(["a", "b", "a"], 1):
        live.append(batch([MadeFlow()], node=node, first_id=number))
    before = {flow.unmasq.id: flow.host for flow in everything(live)}
    live.flush()
    assert {flow.unmasq.id: flow.host for flow in everything(store)} == before
    assert sorted(before.values()) == ["a", "a", "b"]
    assert live.health().nodes == 2


def test_what_could_not_be_written_goes_on_waiting(store, clock, monkeypatch):
    live = LiveStore(store, clock)
    live.append(batch([MadeFlow(minute=-1), MadeFlow()]))
    live.flush()
    live.append(batch([MadeFlow(minute=-1), MadeFlow(minute=1)], first_id=3))
    write = Writer.write

    def only_the_first_day(self, batches):
        if "10_04" in self._tables.database:
            raise StoreError("full")
        write(self, batches)

    monkeypatch.setattr(Writer, "write", only_the_first_day)
    with pytest.raises(StoreError):
        live.flush()
    assert (written(store), ids(live)) == (3, [1, 2, 3, 4])
    monkeypatch.undo()
    assert live.flush_due(NOW_US + 30 * MICROSECONDS)
    assert (written(store), ids(live)) == (4, [1, 2, 3, 4])


def test_a_day_that_cannot_be_written_keeps_no_other_day_back(store, clock, monkeypatch):
    live = LiveStore(store, clock)
    live.append(batch([MadeFlow(minute=-1), MadeFlow(minute=1)]))
    write, tried = Writer.write, list[str]()

    def not_the_older_day(self, batches):
        if self._tables.database.startswith("day"):  # not what is in memory
            tried.append(self._tables.database[-5:])
        if "10_03" in self._tables.database:
            raise StoreError("damaged")
        write(self, batches)

    monkeypatch.setattr(Writer, "write", not_the_older_day)
    assert [error.what for error in live.flush_rested()] == ["damaged"]
    assert (written(store), ids(live)) == (1, [1, 2])
    assert [str(error) for error in live.troubles.values()] == ["damaged"]
    assert live.flush_rested() == []  # it rests
    clock.move_to(NOW_US + MICROSECONDS)
    assert len(live.flush_rested()) == 1
    assert tried == ["10_04", "10_03", "10_03"]
    monkeypatch.undo()
    clock.move_to(NOW_US + 10 * MICROSECONDS)
    assert live.flush_rested() == []
    assert (written(store), live.troubles, live.health().unwritten) == (2, {}, {})


def test_no_question_sees_a_flow_twice_or_not_at_all_while_it_is_written(store, clock):
    live = LiveStore(store, clock)
    stop = threading.Event()

    def write():
        while not stop.wait(0.002):
            live.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(25):
            live.append(batch([MadeFlow(minute=-1), MadeFlow()], first_id=2 * number + 1))
            assert ids(live) == list(range(1, 2 * number + 3))
            assert [span.flows for span in live.span(SOURCE, FlowFilter())] == [2 * number + 2] * 2
    finally:
        stop.set()
        writer.join()
