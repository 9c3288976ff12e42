"""A day file that is not as it was written: the other days go on, and every answer says what it leaves out."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.contract.harm import CATALOGUE, DAMAGE, garbage
from tests.contract.traffic import MIDNIGHT_US, MadeFlow, batch
from unmasq.base.clock import DAY_US, ManualClock
from unmasq.base.errors import StoreDamaged, StoreError
from unmasq.keep.day import schema
from unmasq.keep.day.ageing import close_days, expire
from unmasq.keep.day.file import file_of
from unmasq.keep.day.rejudge import rejudge
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.model.filter import FlowFilter

DAY = MIDNIGHT_US // DAY_US
OLD = DAY - 3
DAYS_AGO = -3 * 24 * 60
MANY = 4000
BLOCK = 256 * 1024  # bytes, of a DuckDB file


every_damage = pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)


@pytest.fixture
def filled(tmp_path):
    """Two flows today, and so many three days ago that their file has several blocks."""
    with DuckStore(tmp_path) as store:
        store.append(batch([MadeFlow(minute=DAYS_AGO, port=1000 + number) for number in range(MANY)], first_id=10))
        store.append(batch([MadeFlow(), MadeFlow(minute=1)], first_id=1))
    return tmp_path


def flows(store) -> int:
    return len(store.flows(FlowFilter(), 10_000).flows)


@every_damage
@pytest.mark.parametrize("read_only", [True, False])
def test_other_days_are_answered_and_the_damaged_one_is_named(filled: Path, damage: Callable[[Path], None], read_only: bool):
    damage(filled / file_of(OLD))
    with DuckStore(filled, read_only=read_only) as store:
        assert flows(store) == 2
        assert store.health().flows == 2
        assert list(store.health().unreadable) == [file_of(OLD)]
    assert (filled / file_of(OLD)).exists(), "nobody wrote to it"


@every_damage
def test_a_damaged_day_that_must_be_written_is_set_aside_and_begun_anew(filled: Path, damage: Callable[[Path], None]):
    damage(filled / file_of(OLD))
    broken = (filled / file_of(OLD)).read_bytes()
    for number in (0, 1):
        with DuckStore(filled) as store:
            assert [file for file in store.covered() if file.runs] != [], "of the other day"
            store.append(batch([MadeFlow(minute=DAYS_AGO)], first_id=9000 + number))
            assert flows(store) == 3 + number
    aside = file_of(OLD) + ".damaged"
    with DuckStore(filled, read_only=True) as store:
        assert list(store.health().unreadable) == [aside]
    assert (filled / aside).read_bytes() == broken


def test_of_files_that_are_set_aside_none_replaces_another(filled: Path):
    for _ in range(3):
        garbage(filled / file_of(OLD))
        with DuckStore(filled) as store:
            store.append(batch([MadeFlow(minute=DAYS_AGO)], first_id=9000))
    assert len(list(filled.glob("*.damaged*"))) == 3


def test_a_day_that_is_damaged_inside_is_left_out_as_soon_as_it_is_found(filled: Path):
    path = filled / file_of(OLD)
    with duckdb.connect(path, read_only=True) as base:
        [(block,)] = base.execute("SELECT max(block_id) FROM pragma_storage_info('flows')").fetchall()
    with path.open("r+b") as file:  # what only reading it shows: the catalogue is as it was
        file.seek(CATALOGUE + block * BLOCK + 5000)
        file.write(b"damage" * 10)
    with DuckStore(filled, read_only=True) as store:
        assert store.health().unreadable == {}, "nobody read that block yet"
        assert flows(store) == 2
        assert list(store.health().unreadable) == [file_of(OLD)]


def test_a_file_that_cannot_be_opened_is_left_out_of_answers_but_never_set_aside(filled: Path):
    (filled / file_of(OLD)).rename(filled / "kept")
    (filled / file_of(OLD)).mkdir()
    with DuckStore(filled) as store:
        assert flows(store) == 2
        with pytest.raises(StoreError) as told:
            store.append(batch([MadeFlow(minute=DAYS_AGO)], first_id=9000))
        assert not isinstance(told.value, StoreDamaged)
        with pytest.raises(StoreError):
            store.covered()  # its lines may be read again and stored twice
    (filled / file_of(OLD)).rmdir()
    (filled / "kept").rename(filled / file_of(OLD))
    with DuckStore(filled) as store:
        assert (flows(store), store.health().unreadable) == (MANY + 2, {})


@pytest.mark.parametrize("why", ["IO Error: Input/output error", "INTERNAL Error: of DuckDB", "FATAL Error: it has been invalidated"])
def test_what_may_pass_is_no_damage(filled: Path, monkeypatch: pytest.MonkeyPatch, why: str):
    def failing(*_: object) -> int:
        raise duckdb.Error(why)

    with monkeypatch.context() as patched:
        patched.setattr(schema, "version", failing)
        with DuckStore(filled) as store:
            assert list(store.health().unreadable.values()) == [why, why]
            with pytest.raises(StoreError, match="cannot be read as a day") as told:
                store.append(batch([MadeFlow(minute=DAYS_AGO)], first_id=9000))
            assert not isinstance(told.value, StoreDamaged)
    with DuckStore(filled) as store:
        assert (flows(store), store.health().unreadable) == (MANY + 2, {})


def test_a_live_store_goes_on_at_once(filled: Path):
    garbage(filled / file_of(DAY))
    with DuckStore(filled) as store:
        live = LiveStore(store, ManualClock(MIDNIGHT_US), resent=True)
        live.append(batch([MadeFlow()], first_id=5))
        live.flush()
        assert (flows(live), live.troubles) == (MANY + 1, {})


def test_days_are_closed_judged_again_and_forgotten_beside_a_damaged_one(filled: Path):
    with DuckStore(filled) as store:
        store.append(batch([MadeFlow(minute=2 * DAYS_AGO)], first_id=7000))
    garbage(filled / file_of(OLD))
    with DuckStore(filled) as store:
        assert list(close_days(store)) == [DAY - 6]
        assert [done.day for done in rejudge(store)] == [DAY, DAY - 6]
        assert expire(store, 1, MIDNIGHT_US + DAY_US) == [OLD, DAY - 6]
        assert store.health().unreadable == {}
