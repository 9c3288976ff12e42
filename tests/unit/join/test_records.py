"""The records that a server holds: bounded, kept while somebody tells of them, and used when they have settled."""

import numpy as np
import pytest

from tests.story.elsewhere import record
from tests.story.traffic import CLIENT, NODE, NOON, OTHER, SECOND
from unmasq.base.telemetry import Counters
from unmasq.join.records import Records, RecordSettings, among
from unmasq.model.translation import Translations

HOUR = 3600 * SECOND


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def records(counters: Counters) -> Records:
    return Records(counters)


def settled(records: Records, now: int, port: int = 4000) -> Translations:
    return records.settled(records.marks(record((CLIENT, 1), 0, seen_as=(NODE, port))), now)


def test_a_record_is_used_when_it_has_settled(records: Records) -> None:
    records.hear(record((CLIENT, 7000), NOON), NOON)
    assert len(settled(records, NOON + 10 * SECOND - 1)) == 0
    assert len(settled(records, NOON + 10 * SECOND)) == 1
    assert len(settled(records, NOON - HOUR)) == 1, "the clock was set back"


def test_none_of_a_tuple_is_used_while_another_one_of_it_has_just_come(records: Records) -> None:
    records.hear(record((CLIENT, 7000), NOON), NOON)
    records.hear(record((OTHER, 7000), NOON + 60 * SECOND), NOON + 60 * SECOND)
    records.hear(record((OTHER, 7000), NOON, seen_as=(NODE, 4001)), NOON)
    assert len(settled(records, NOON + 61 * SECOND)) == 0
    assert len(settled(records, NOON + 61 * SECOND, 4001)) == 1
    assert len(settled(records, NOON + 70 * SECOND)) == 2


def test_what_is_told_again_is_one_record_with_all_that_is_known(records: Records, counters: Counters) -> None:
    for end, seen in (
        (0, NOON),
        (0, NOON + 50 * SECOND),
        (NOON + 60 * SECOND, NOON + 65 * SECOND),
        (NOON + 62 * SECOND, NOON + 70 * SECOND),
        (0, NOON),
    ):
        records.hear(record((CLIENT, 7000), NOON, end, seen=seen), NOON)
    (row,) = zip(*(c.tolist() for c in settled(records, NOON + HOUR).as_dict().values()), strict=True)
    assert row[-3:] == (NOON, NOON + 60 * SECOND, NOON + 70 * SECOND)
    assert counters.of("translations_heard") == 5


def test_news_is_told_once_when_it_has_settled_and_again_when_more_is_known(records: Records) -> None:
    marks = records.marks(record((CLIENT, 7000), NOON))
    records.hear(record((CLIENT, 7000), NOON), NOON)
    assert len(records.news(NOON + 9 * SECOND)) == 0
    assert records.news(NOON + 10 * SECOND).tolist() == marks.tolist()
    assert len(records.news(NOON + 11 * SECOND)) == 0
    records.hear(record((CLIENT, 7000), NOON), NOON + 12 * SECOND)
    assert len(records.news(NOON + 30 * SECOND)) == 0, "nothing new was told"
    for end, seen in ((0, NOON + 30 * SECOND), (NOON + 31 * SECOND, 0)):
        records.hear(record((CLIENT, 7000), NOON, end, seen=seen), NOON + 32 * SECOND)
        assert len(records.news(NOON + 33 * SECOND)) == 1
    records.renew(marks)
    assert len(records.news(NOON + 34 * SECOND)) == 1


def test_a_record_goes_an_hour_after_it_was_last_told_and_is_counted(records: Records, counters: Counters) -> None:
    records.hear(record((CLIENT, 7000), NOON, NOON + SECOND), NOON)
    records.hear(record((CLIENT, 7000), NOON, seen_as=(NODE, 4001)), NOON)
    records.hear(record((CLIENT, 7000), NOON, seen_as=(NODE, 4001)), NOON + 60 * SECOND)
    records.forget(NOON + HOUR - 1)
    assert len(records) == 2
    records.forget(NOON + HOUR)
    assert (len(records), len(settled(records, NOON + HOUR))) == (1, 0)
    assert (counters.of("translations_forgotten"), counters.of("translations_dropped")) == (1, 0)


def test_beyond_the_bound_those_go_of_which_nothing_was_heard_for_the_longest_time(counters: Counters) -> None:
    records = Records(counters, RecordSettings(most=2))
    for second, port in ((0, 4000), (1, 4001), (2, 4000), (3, 4002)):
        records.hear(record((CLIENT, 7000), NOON, seen_as=(NODE, port)), NOON + second * SECOND)
    assert [len(settled(records, NOON + HOUR, port)) for port in (4000, 4001, 4002)] == [1, 0, 1]
    assert counters.of("translations_dropped", "full") == 1
    records.hear(Translations.concat([record((CLIENT, 7000), NOON, seen_as=(NODE, port)) for port in range(3)]), NOON + HOUR)
    assert len(records) == 2
    assert counters.of("translations_dropped", "full") == 4


def test_of_one_tuple_the_newest_64_are_kept(records: Records, counters: Counters) -> None:
    records.hear(Translations.concat([record((CLIENT, 7000), NOON + number) for number in range(70)]), NOON)
    assert settled(records, NOON + HOUR).start_us.min() == NOON + 6
    assert (len(records), counters.of("translations_dropped", "same_port")) == (64, 6)


def test_among_looks_only_for_what_is_wanted() -> None:
    marks = np.array([5, 1, 9, 5], "u8")
    assert among(marks, np.array([5, 7], "u8")).tolist() == [True, False, False, True]
    assert among(marks, np.zeros(0, "u8")).tolist() == [False] * 4
    assert among(np.zeros(0, "u8"), marks[:1]).tolist() == []
