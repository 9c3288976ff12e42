import stat

import duckdb
import pytest

from tests.contract.traffic import MIDNIGHT_US, MINUTE_US, MadeChain, MadeFlow, batch
from tests.unit.keep.day.days import DAY, DAYS, TODAY
from unmasq.base.clock import DAY_US
from unmasq.base.errors import StoreTooNew
from unmasq.keep.day import schema
from unmasq.keep.day.ageing import close_days
from unmasq.keep.day.file import file_of, name_of
from unmasq.keep.duck import DuckStore, Limits
from unmasq.model.filter import FlowFilter


def open_files(store: DuckStore) -> set[str]:
    rows = store.connection.execute("SELECT database_name FROM duckdb_databases() WHERE database_name LIKE 'day%'").fetchall()
    return {name for (name,) in rows}


def test_names_say_the_day():
    assert (file_of(DAY), name_of(DAY)) == ("flows-2024-10-04.duckdb", "day_2024_10_04")


def test_a_day_has_a_file_that_only_its_owner_reads(filled):
    assert sorted(path.name for path in filled.glob("flows-*")) == [file_of(day) for day in range(DAY - 5, DAY + 1)]
    assert {stat.S_IMODE(path.stat().st_mode) for path in filled.iterdir()} == {0o600}


def test_few_files_are_kept_open_and_all_are_read(filled):
    with DuckStore(filled, limits=Limits(attached_days=2)) as store:
        assert len(store.flows(FlowFilter()).flows) == 6
        assert len(open_files(store)) == 2
        store.append(batch(DAYS, first_id=7))
        assert len(store.flows(FlowFilter()).flows) == 12


def test_a_window_opens_only_the_files_it_needs(filled):
    with DuckStore(filled, read_only=True) as store:
        assert len(store.flows(TODAY).flows) == 1
        assert open_files(store) == {name_of(DAY)}


def test_a_flow_whose_interval_reaches_over_midnight_is_in_the_window_behind_it(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(batch([MadeFlow(minute=-1, chains=(MadeChain(at_us=2 * MINUTE_US),))]))
        assert len(store.flows(FlowFilter(since_us=MIDNIGHT_US + 1)).flows) == 1


def test_a_file_of_a_newer_program_is_left_out_and_named_and_nobody_begins_to_fill_the_store(filled):
    with duckdb.connect(filled / file_of(DAY)) as newer:
        newer.execute(f"UPDATE meta SET value = '{schema.VERSION + 1}' WHERE name = 'schema'")
    with DuckStore(filled) as store:
        assert store.flows(TODAY).flows == []
        assert store.unreadable == {file_of(DAY): f"its tables are of version {schema.VERSION + 1}, not {schema.VERSION}"}
        with pytest.raises(StoreTooNew, match="newer"):
            store.covered()
        with pytest.raises(StoreTooNew, match="newer"):
            store.append(batch([MadeFlow(minute=13 * 60)], first_id=99))
    assert (filled / file_of(DAY)).exists()


def test_other_files_in_the_directory_are_none_of_our_business(filled):
    (filled / "flows-2024-13-01.duckdb").write_bytes(b"no date")
    (filled / "notes.txt").write_bytes(b"mine")
    with DuckStore(filled, read_only=True) as store:
        assert len(store.flows(FlowFilter()).flows) == 6


def test_a_quote_in_the_path_is_part_of_the_path(tmp_path):
    with DuckStore(tmp_path / "it's; DROP") as store:
        store.append(batch(DAYS))
        assert len(store.flows(FlowFilter()).flows) == 6


def test_what_comes_behind_a_closed_day_is_ranked_with_it(filled):
    """A roll-up is of the flows that were there; later ones of the same hours are counted from their chains, also as seen before."""
    late = [MadeFlow(minute=-24 * 60, source="192.0.2.99"), MadeFlow(minute=-24 * 60, source="192.0.2.99", port=1)]
    with DuckStore(filled) as store:
        before = store.top(FlowFilter())
        assert list(close_days(store))
        store.append(batch(late, first_id=500))
        after = store.top(FlowFilter())
        assert (after.requests, after.addresses) == (before.requests + 2, before.addresses + 1)
        assert [(each.requests, each.flows) for each in after.ranked if each.ip == "192.0.2.99"] == [(2, 2)]
        store.append(batch([MadeFlow(minute=13 * 60, source="192.0.2.99", port=2)], first_id=600))
        today = store.top(FlowFilter(since_us=DAY * DAY_US + 60_000_000))
        assert [each.is_new for each in today.ranked if each.ip == "192.0.2.99"] == [False]
