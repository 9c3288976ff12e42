"""Tables in memory: made once, there as long as somebody wants or reads them."""

import duckdb
import pytest

from tests.contract.traffic import MadeFlow, batch
from unmasq.keep.day import memory
from unmasq.keep.day.memory import Memory


class Kept:
    """A memory, what it made and what it let go."""

    def __init__(self):
        self.connection, self.made, self.dropped = duckdb.connect(), list[int](), list[str]()
        self.memory = Memory(self.connection, "open", self.dropped.append)

    def parts(self, *keys):
        def making(key):
            def make():
                self.made.append(key)
                return [batch([MadeFlow()] * key)]

            return make

        return {key: making(key) for key in keys}

    def compressions(self, name):
        """How the segments of a column are kept that is worth compressing."""
        rows = f"SELECT DISTINCT compression FROM pragma_storage_info('{name}.flows') WHERE column_name = 'interval_start_us'"
        return {each for (each,) in self.connection.execute(f"{rows} AND segment_type <> 'VALIDITY'").fetchall()}

    def flows(self, names):
        return [count for name in names for (count,) in self.connection.execute(f"SELECT count(*) FROM {name}.flows").fetchall()]


@pytest.fixture
def kept():
    made = Kept()
    yield made
    made.connection.close()


def test_a_part_is_made_once_and_is_there_as_long_as_pictures_have_it(kept):
    with kept.memory.holding(1, kept.parts(1, 2)) as names:
        assert kept.flows(names) == [1, 2]
    with kept.memory.holding(2, kept.parts(2, 3)) as names:
        assert kept.flows(names) == [2, 3]
    assert (kept.made, kept.dropped) == ([1, 2, 3], ["open_1"])


def test_who_reads_an_older_picture_keeps_it(kept):
    with kept.memory.holding(1, kept.parts(1)) as older:
        with kept.memory.holding(2, kept.parts(2)):
            pass
        assert kept.flows(older) == [1]
        assert kept.dropped == []
    assert kept.dropped == ["open_1"]


def test_an_older_picture_that_comes_late_takes_nothing_from_the_newest(kept):
    with kept.memory.holding(2, kept.parts(2)):
        pass
    with kept.memory.holding(1, kept.parts(1)):
        pass
    with kept.memory.holding(2, kept.parts(2)):
        pass
    assert kept.made == [2, 1]


def test_what_is_pinned_stays_though_nobody_wants_it(kept):
    with kept.memory.holding(1, kept.parts(1)):
        pass
    with kept.memory.pinned() as keys:
        with kept.memory.holding(2, kept.parts(2)):
            pass
        assert (list(keys), kept.dropped) == ([1], [])
    assert kept.dropped == ["open_1"]


def test_many_rows_are_compressed_and_few_are_not(kept, monkeypatch):
    monkeypatch.setattr(memory, "LARGE_ROWS", 2000)
    with kept.memory.holding(1, kept.parts(10, 1000)) as names:
        few, many = (kept.compressions(name) for name in names)
    assert few == {"Uncompressed"}
    assert many
    assert "Uncompressed" not in many
