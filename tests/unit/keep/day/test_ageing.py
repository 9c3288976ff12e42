import pytest

from tests.contract.traffic import LOG, MIDNIGHT_US, MadeFlow, batch
from unmasq.base.clock import DAY_US
from unmasq.base.errors import UsageError
from unmasq.keep.day.ageing import EVERY_US, Ageing, close_day, close_days, expire
from unmasq.keep.day.file import name_of
from unmasq.keep.duck import DuckStore
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter

NOW_US = 1_800_000_000_000_000
DAY = MIDNIGHT_US // DAY_US
DAYS = [MadeFlow(minute=24 * 60 * day, source=f"198.51.100.{9 - number}") for day in range(-5, 1) for number in range(5)]


@pytest.fixture
def store(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(batch(DAYS))
        yield store


def index_of(store: DuckStore, day: int) -> list[tuple[int, int]]:
    with store.at([day]) as view:
        return view.ask(f"SELECT hi, lo FROM {name_of(day)}.addresses ORDER BY rowid")


def test_days_that_are_over_have_a_sorted_index(store):
    before = {day: index_of(store, day) for day in store.days.days()}
    spans = store.span(parse_range("198.51.100.7"), FlowFilter())
    assert list(close_days(store)) == [DAY - back for back in range(1, 6)]
    assert all(index_of(store, day) == sorted(before[day]) != before[day] for day in range(DAY - 5, DAY))
    assert index_of(store, DAY) == before[DAY]
    assert store.span(parse_range("198.51.100.7"), FlowFilter()) == spans


def test_once(store):
    assert close_day(store, DAY - 1)
    assert not close_day(store, DAY - 1)
    assert DAY - 1 not in list(close_days(store))


def test_a_question_that_runs_meanwhile_is_not_disturbed(store):
    with store.view(FlowFilter()) as view:
        rows = view.cursor.execute(view.union("SELECT lo FROM day.addresses"))
        first = rows.fetchone()
        assert len(list(close_days(store))) == 5
        assert first is not None
        assert len(rows.fetchall()) == 2 * len(DAYS) - 1


def test_old_days_go_counted_from_the_newest_flow(store, tmp_path):
    assert expire(store, 2, NOW_US) == [DAY - 3, DAY - 4, DAY - 5]
    assert len(list(tmp_path.glob("*.duckdb"))) == 3
    assert len(store.flows(FlowFilter()).flows) == 15
    assert expire(store, 2, NOW_US) == []


def test_a_flow_of_the_future_makes_nothing_old(store):
    store.append(batch([MadeFlow(minute=24 * 60 * 3000)], first_id=1000))
    assert expire(store, 2, MIDNIGHT_US) == [DAY - 3, DAY - 4, DAY - 5]


def test_lines_of_days_that_went_do_not_come_back(store):
    expire(store, 2, NOW_US)
    assert [(each.file, each.runs) for each in store.covered()] == [(LOG, [(0, 300)])]
    expire(store, 1, NOW_US)
    assert [(each.file, each.runs) for each in store.covered()] == [(LOG, [(0, 300)])]


@pytest.mark.parametrize("days", [0, -1, -5])
def test_no_number_of_days_deletes_everything(store, days):
    with pytest.raises(UsageError, match="not a number of days to keep"):
        expire(store, days, NOW_US)
    assert len(store.days.days()) == 6


def test_a_day_that_somebody_reads_stays_until_next_time(store):
    with store.view(FlowFilter()):
        assert expire(store, 2, NOW_US) == []
    assert expire(store, 2, NOW_US) == [DAY - 3, DAY - 4, DAY - 5]


def test_an_empty_store_has_nothing_to_forget(tmp_path):
    with DuckStore(tmp_path / "empty") as store:
        assert expire(store, 1, NOW_US) == []


def test_a_store_that_is_being_filled_is_looked_after_once_an_hour(store):
    ageing = Ageing(store, 3, NOW_US)
    ageing.turn(NOW_US + EVERY_US - 1)
    assert len(store.days.days()) == 6
    ageing.turn(NOW_US + EVERY_US)
    assert store.days.days() == [DAY, DAY - 1, DAY - 2, DAY - 3]
    assert list(close_days(store)) == []
