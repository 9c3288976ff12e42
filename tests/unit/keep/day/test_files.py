import shutil
import stat

import duckdb
import pytest

from tests.contract.traffic import MIDNIGHT_US, MINUTE_US, MadeChain, MadeFlow, batch
from unmasq.base.clock import DAY_US
from unmasq.base.errors import StoreError, StoreTooNew
from unmasq.keep.day import schema
from unmasq.keep.day.ageing import close_days
from unmasq.keep.day.file import file_of, name_of
from unmasq.keep.day.rejudge import rejudge
from unmasq.keep.day.texts import LONG_CHARACTERS
from unmasq.keep.duck import DuckStore, Limits
from unmasq.model.filter import FlowFilter

DAY = MIDNIGHT_US // DAY_US
TODAY = FlowFilter(since_us=MIDNIGHT_US + DAY_US // 2)
MANY = 100_000
DAYS = [MadeFlow(minute=24 * 60 * day + 13 * 60) for day in range(-5, 1)]


@pytest.fixture
def filled(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(batch(DAYS))
    return tmp_path


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


def made_older(path, version):
    """The file as an older version of unmasq made it."""
    with duckdb.connect(path) as older:
        older.execute(f"DELETE FROM meta WHERE name = '{schema.GROUPED}'")
        if version < 4:
            older.execute("DROP TABLE long_texts")
        if version < 3:
            older.execute("DROP TABLE hours; DROP TABLE lives")
        if version == 1:
            older.execute("ALTER TABLE flows DROP COLUMN pod")
        older.execute(f"UPDATE meta SET value = '{version}' WHERE name = 'schema'")


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_without_hours_is_ranked_all_the_same_and_gets_them_from_its_owner(filled, read_only):
    with DuckStore(filled) as store:
        before = store.top(FlowFilter())
        closed = list(close_days(store))
    for day in closed:
        made_older(filled / file_of(day), 2)
        with duckdb.connect(filled / file_of(day)) as older:
            older.execute("DELETE FROM meta WHERE name = 'hours'")
    with DuckStore(filled, read_only=read_only) as store:
        assert store.top(FlowFilter()) == before
        if not read_only:
            assert list(close_days(store)) == closed
            assert list(close_days(store)) == []
            with store.view(FlowFilter()) as view:
                assert view.ask(view.union("SELECT count(*) FROM day.hours WHERE requests > 0"))[-1][0] > 0
            assert store.top(FlowFilter()) == before


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_of_the_first_version_is_read_and_brought_up_to_date_by_its_owner(filled, read_only):
    made_older(filled / file_of(DAY), 1)
    with DuckStore(filled, read_only=read_only, limits=Limits(attached_days=0)) as store:
        for _ in range(2):
            (flow,) = store.flows(TODAY).flows
            assert (flow.dest_namespace, flow.dest_type) == ("-", "net")
            assert store.flows(FlowFilter(to_namespace=("*",))).flows == []
            assert len(store.flows(FlowFilter()).flows) == len(DAYS)
        if not read_only:
            store.append(batch([MadeFlow(minute=13 * 60, pod="shop/web-1")], first_id=99))
            assert [flow.dest_name for flow in store.flows(TODAY).flows] == ["web-1", "-"]
            assert len(list(rejudge(store))) == len(DAYS)
    with duckdb.connect(filled / file_of(DAY), read_only=True) as base:
        assert schema.version(base, "main") == (1 if read_only else schema.VERSION)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_long_text_of_an_older_file_stands_among_the_short_ones(tmp_path, read_only):
    with DuckStore(tmp_path) as store:
        store.append(batch([MadeFlow(minute=13 * 60, chains=(MadeChain(paths=("/long",)),))]))
    made_older(tmp_path / file_of(DAY), 3)
    long = "/" + "x" * LONG_CHARACTERS
    with duckdb.connect(tmp_path / file_of(DAY)) as older:
        older.execute("UPDATE texts SET value = $long WHERE value = '/long'", {"long": long})
    with DuckStore(tmp_path, read_only=read_only) as store:
        if not read_only:
            store.append(batch([MadeFlow(minute=13 * 60, chains=(MadeChain(paths=(long,)),))], first_id=2))
        assert [flow.unmasq.chains[0].paths for flow in store.flows(FlowFilter(path=(long,))).flows] == [[long]] * (1 if read_only else 2)


def killed(store: DuckStore, folder, name: str):
    """The directory as it is left where the store is killed now."""
    (folder / name).mkdir()
    for path in store.folder.glob("flows-*"):
        shutil.copy(path, folder / name)
    return folder / name


def add_texts(base: duckdb.DuckDBPyConnection, table: str) -> None:
    base.execute(f"INSERT INTO {table} SELECT 100 + range, 'x' FROM range({MANY})")


def largest_group(store: DuckStore) -> int:
    """Of the texts of today."""
    segments = f"FROM pragma_storage_info('{name_of(DAY)}.texts') WHERE segment_type = 'BIGINT'"
    [(rows,)] = store.connection.execute(f"SELECT max(rows) FROM (SELECT sum(count) AS rows {segments} GROUP BY row_group_id)").fetchall()
    return int(rows)


def test_rows_are_in_small_groups_also_those_that_a_log_brings_back(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(batch(DAYS[-1:]))
        add_texts(store.connection, f"{name_of(DAY)}.texts")
        left = killed(store, tmp_path, "killed")
        store.connection.execute(f"CHECKPOINT {name_of(DAY)}")
        assert largest_group(store) == schema.ROW_GROUP
    with DuckStore(left) as store:
        store.append(batch(DAYS[-1:], first_id=2))
        store.connection.execute(f"CHECKPOINT {name_of(DAY)}")
        assert largest_group(store) == schema.ROW_GROUP


@pytest.mark.parametrize("is_killed", [True, False])
@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_file_of_larger_groups_is_brought_up_to_date_and_written_to(tmp_path, version, is_killed):
    """DuckDB fails for good where such a file gets a column, and then rows, while it is told of smaller groups."""
    with DuckStore(tmp_path) as store:
        store.append(batch(DAYS[-1:]))
    made_older(tmp_path / file_of(DAY), version)
    with duckdb.connect(tmp_path / file_of(DAY)) as older:
        add_texts(older, "texts")
        older.execute(f"INSERT INTO flows SELECT range + 1, * EXCLUDE (flow, range) FROM flows, range({MANY})")
        left = tmp_path
        if is_killed:
            (left := tmp_path / "killed").mkdir()
            for path in tmp_path.glob("flows-*"):
                shutil.copy(path, left)
    for number in range(2, 5):
        with DuckStore(left) as store:
            store.append(batch(DAYS[-1:], first_id=number))
            store.connection.execute(f"CHECKPOINT {name_of(DAY)}")
            store.append(batch(DAYS[-1:], first_id=10 * number))
            counted = store.connection.execute(f"SELECT count(*), count(DISTINCT flow), count(pod) FROM {name_of(DAY)}.flows").fetchall()
            assert counted == [(MANY + 1 + 2 * (number - 1),) * 3]
            assert largest_group(store) > schema.ROW_GROUP


def test_a_newer_file_is_not_touched_nor_is_its_log(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(batch(DAYS[-1:]))
        store.connection.execute(f"UPDATE {name_of(DAY)}.meta SET value = '{schema.VERSION + 1}' WHERE name = 'schema'")
        left = killed(store, tmp_path, "killed")
    before = {path: path.read_bytes() for path in left.glob("flows-*")}
    assert len(before) == 2
    with DuckStore(left) as store, pytest.raises(StoreTooNew):
        store.append(batch(DAYS[-1:], first_id=2))
    assert {path: path.read_bytes() for path in left.glob("flows-*")} == before


def test_a_file_that_says_nothing_sensible_of_its_groups_is_not_read(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(batch(DAYS[-1:]))
        store.connection.execute(f"UPDATE {name_of(DAY)}.meta SET value = '9); DROP TABLE x; --' WHERE name = '{schema.GROUPED}'")
    with DuckStore(tmp_path) as store, pytest.raises(StoreError, match="cannot be read as a day of flows"):
        store.append(batch(DAYS[-1:], first_id=2))


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
