"""A day file is looked at before it is opened to be written: its version, and the size of its groups."""

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.contract.traffic import MIDNIGHT_US, MadeChain, MadeFlow, batch
from tests.unit.keep.day.days import DAY, DAYS, TODAY
from unmasq.base.clock import DAY_US
from unmasq.base.errors import StoreDamaged, StoreError, StoreTooNew
from unmasq.keep.day import schema
from unmasq.keep.day.ageing import close_days
from unmasq.keep.day.file import file_of, name_of
from unmasq.keep.day.rejudge import rejudge
from unmasq.keep.day.texts import LONG_CHARACTERS
from unmasq.keep.duck import DuckStore, Limits
from unmasq.model.filter import FlowFilter

MANY = 100_000
HOLDING = "import duckdb, sys; base = duckdb.connect(sys.argv[1], read_only=True); print(flush=True); sys.stdin.read()"


def left_by_a_kill(folder: Path, name: str = "killed") -> Path:
    """What is left of a directory of which somebody has files open, if they are killed now."""
    files = [path for path in folder.iterdir() if path.is_file()]
    (folder / name).mkdir()
    for path in files:
        shutil.copy(path, folder / name)
    return folder / name


def add_rows(base: duckdb.DuckDBPyConnection, table: str) -> None:
    base.execute(f"INSERT INTO {table} SELECT 0, range, 'x' FROM range({MANY})")


def largest_group(store: DuckStore) -> int:
    """Of the rejects of today."""
    store.connection.execute(f"CHECKPOINT {name_of(DAY)}")
    segments = f"FROM pragma_storage_info('{name_of(DAY)}.rejects') WHERE segment_type = 'BIGINT'"
    [(rows,)] = store.connection.execute(f"SELECT max(rows) FROM (SELECT sum(count) AS rows {segments} GROUP BY row_group_id)").fetchall()
    return int(rows)


def test_rows_are_in_small_groups_also_those_that_a_log_brings_back(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(batch(DAYS[-1:]))
        add_rows(store.connection, f"{name_of(DAY)}.rejects")
        left = left_by_a_kill(tmp_path)
        assert largest_group(store) == schema.ROW_GROUP
    with DuckStore(left, read_only=True) as store:
        assert sum(store.health().rejects.values()) == sum(range(MANY))
    with DuckStore(left) as store:
        store.append(batch(DAYS[-1:], first_id=2))
        assert largest_group(store) == schema.ROW_GROUP


@pytest.mark.parametrize("is_killed", [True, False])
@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_file_of_larger_groups_is_brought_up_to_date_and_keeps_them(tmp_path, version, is_killed):
    """DuckDB fails for good where such a file gets a column, and then rows, while it is told of smaller groups."""
    with DuckStore(tmp_path) as store:
        store.append(batch(DAYS[-1:]))
    made_older(tmp_path / file_of(DAY), version)
    with duckdb.connect(tmp_path / file_of(DAY)) as older:
        older.execute(f"INSERT INTO flows SELECT range + 1, * EXCLUDE (flow, range) FROM flows, range({MANY})")
        left = left_by_a_kill(tmp_path) if is_killed else tmp_path
    for number in range(2, 5):
        with DuckStore(left) as store:
            store.append(batch(DAYS[-1:], first_id=number))
            add_rows(store.connection, f"{name_of(DAY)}.rejects")
            assert largest_group(store) == MANY
            store.append(batch(DAYS[-1:], first_id=10 * number))
            counted = store.connection.execute(f"SELECT count(*), count(DISTINCT flow), count(pod) FROM {name_of(DAY)}.flows").fetchall()
            assert counted == [(MANY + 1 + 2 * (number - 1),) * 3]


def test_a_newer_file_is_not_touched_nor_is_its_log(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(batch(DAYS[-1:]))
        store.connection.execute(f"UPDATE {name_of(DAY)}.meta SET value = '{schema.VERSION + 1}' WHERE name = 'schema'")
        left = left_by_a_kill(tmp_path)
    before = {path: path.read_bytes() for path in left.glob("flows-*")}
    assert len(before) == 2
    with DuckStore(left) as store, pytest.raises(StoreTooNew):
        store.append(batch(DAYS[-1:], first_id=2))
    assert {path: path.read_bytes() for path in left.glob("flows-*")} == before


def test_a_file_that_says_nothing_sensible_of_its_groups_is_not_written(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(batch(DAYS[-1:]))
        store.connection.execute(f"UPDATE {name_of(DAY)}.meta SET value = '9); DROP TABLE x; --' WHERE name = '{schema.GROUPED}'")
    with DuckStore(tmp_path) as store, pytest.raises(StoreError, match="cannot be read as a day of flows"):
        store.append(batch(DAYS[-1:], first_id=2))


def test_a_file_that_somebody_else_reads_just_now_is_written_later(filled):
    with DuckStore(filled) as store:
        with subprocess.Popen([sys.executable, "-c", HOLDING, filled / file_of(DAY)], stdin=-1, stdout=-1) as reader:
            assert reader.stdout is not None
            reader.stdout.readline()
            with pytest.raises(StoreError, match="cannot be read as a day") as told:
                store.append(batch(DAYS[-1:], first_id=9))
            assert not isinstance(told.value, StoreDamaged)
            reader.communicate()
        store.append(batch(DAYS[-1:], first_id=9))
        assert len(store.flows(TODAY).flows) == 2
    assert list(filled.glob("*.damaged*")) == []


def test_a_file_that_became_another_one_after_the_look_is_neither_written_nor_set_aside(filled, monkeypatch):
    with duckdb.connect(filled / "other") as other:
        other.execute("CREATE TABLE mine (number INTEGER)")
    asked = schema.meta

    def swapping(cursor, database, name):
        if name == schema.GROUPED:
            (filled / "other").rename(filled / file_of(DAY))
        return asked(cursor, database, name)

    monkeypatch.setattr(schema, "meta", swapping)
    with DuckStore(filled) as store:
        with pytest.raises(StoreError, match="became another file") as told:
            store.append(batch(DAYS[-1:], first_id=9))
        assert not isinstance(told.value, StoreDamaged)
    assert list(filled.glob("*.damaged*")) == []


def test_a_file_that_was_moved_away_is_begun_anew(filled):
    with DuckStore(filled) as store:
        (filled / file_of(DAY)).rename(filled / "away")
        assert len(store.flows(FlowFilter()).flows) == len(DAYS) - 1
        assert list(store.health().unreadable) == [file_of(DAY)]
        assert not (filled / file_of(DAY)).exists(), "whoever asks makes none"
        store.append(batch(DAYS[-1:], first_id=9))
        assert (len(store.flows(FlowFilter()).flows), store.health().unreadable) == (len(DAYS), {})


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_all_figures_of_an_older_file_are_told(filled, version, read_only):
    with DuckStore(filled, read_only=True) as store:
        before = store.health(), store.node_flows(), store.within(None, MIDNIGHT_US + DAY_US)
    for path in filled.glob("flows-*"):
        made_older(path, version)
    with DuckStore(filled, read_only=read_only) as store:
        assert (store.health(), store.node_flows(), store.within(None, MIDNIGHT_US + DAY_US)) == before


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
