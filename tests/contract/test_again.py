"""A batch that comes again, by its id, is kept once: at any time, from disk or while it waits, whole or half written."""

import threading
from dataclasses import replace
from uuid import UUID

import pytest

from tests.contract.test_questions import everything
from tests.contract.traffic import LOG, MadeFlow, batch
from unmasq.base.clock import DAY_US, ManualClock
from unmasq.base.errors import StoreError
from unmasq.keep.day.writing import Writer
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore

NOW_US = 1_800_000_000_000_000
SAME = UUID("01890000-0000-7000-8000-000000000001")


def over_midnight(number: int = 1):
    return replace(batch([MadeFlow(minute=-1), MadeFlow()], first_id=number, first_line=10 * number - 10), id=SAME)


def ids(store) -> list[int]:
    return sorted(int(flow.unmasq.id[-4:], 16) for flow in everything(store))


def test_a_store_keeps_a_batch_once(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(over_midnight())
        store.append(over_midnight())
        store.append(batch([MadeFlow()], first_id=3, first_line=20))
    with DuckStore(tmp_path) as store:
        store.append(over_midnight())
        assert ids(store) == [1, 2, 3]
        assert store.health().flows == 3
        assert [(each.file, each.runs) for each in store.covered()] == [(LOG, [(0, 30)])]


def test_twice_within_one_transaction_is_once(tmp_path):
    with DuckStore(tmp_path) as store:
        today = replace(batch([MadeFlow()]), id=SAME)
        store.append_day(int(today.flows.interval_start_us[0]) // DAY_US, [today, today])
        assert ids(store) == [1]


def test_a_day_that_was_not_written_is_taken_when_the_batch_comes_again(tmp_path, monkeypatch):
    write = Writer.write

    def only_the_first_day(self, batches):
        if "10_04" in self._tables.database:
            raise StoreError("full")
        write(self, batches)

    with DuckStore(tmp_path) as store:
        monkeypatch.setattr(Writer, "write", only_the_first_day)
        with pytest.raises(StoreError):
            store.append(over_midnight())
        assert ids(store) == [1]
        monkeypatch.undo()
        store.append(over_midnight())
        assert ids(store) == [1, 2]


def test_a_live_store_shows_a_batch_once_whenever_it_comes_again(tmp_path):
    with DuckStore(tmp_path) as store:
        live = LiveStore(store, ManualClock(NOW_US), resent=True)
        live.append(over_midnight())
        live.append(over_midnight())
        assert ids(live) == []  # it is on disk in a moment
        live.flush()
        live.append(over_midnight())
        assert ids(live) == [1, 2]
        live.append(replace(batch([MadeFlow()], first_id=3), id=UUID(int=3)))
        live.flush()
        live.flush()
        assert ids(live) == ids(store) == [1, 2, 3]


def test_what_waits_for_a_day_that_cannot_be_written_is_shown_until_it_is(tmp_path, monkeypatch):
    with DuckStore(tmp_path) as store:
        live = LiveStore(store, ManualClock(NOW_US), resent=True)
        write, full = Writer.write, {"10_03"}

        def unless_full(self, batches):
            if self._tables.database[-5:] in full:
                raise StoreError("full")
            write(self, batches)

        monkeypatch.setattr(Writer, "write", unless_full)
        live.append(over_midnight())
        assert len(live.flush_rested()) == 1
        assert ids(live) == [1, 2]
        live.append(replace(batch([MadeFlow(minute=1)], first_id=3), id=UUID(int=3)))
        assert ids(live) == [1, 2]
        full.add("10_04")
        assert len(live.flush_rested()) == 1
        assert ids(live) == [1, 2, 3]
        full.clear()
        live.flush()
        assert ids(live) == ids(store) == [1, 2, 3]


def test_each_of_the_batches_that_are_written_together_is_known_by_its_id(tmp_path):
    with DuckStore(tmp_path) as store:
        live = LiveStore(store, ManualClock(NOW_US), resent=True)
        several = [replace(batch([MadeFlow()], first_id=number), id=UUID(int=number)) for number in (1, 2, 3)]
        for _ in range(2):
            for each in several:
                live.append(each)
            live.flush()
        assert ids(store) == [1, 2, 3]


def test_whoever_sends_it_again_while_it_is_written_changes_nothing(tmp_path):
    with DuckStore(tmp_path) as store:
        live = LiveStore(store, ManualClock(NOW_US), resent=True)
        stop = threading.Event()

        def write():
            while not stop.wait(0.001):
                live.flush()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(1, 21):
                for _ in range(3):
                    live.append(replace(batch([MadeFlow()], first_id=number), id=UUID(int=number)))
                found = ids(live)
                assert found == list(range(1, len(found) + 1))
        finally:
            stop.set()
            writer.join()
        live.flush()
        assert ids(store) == list(range(1, 21))
