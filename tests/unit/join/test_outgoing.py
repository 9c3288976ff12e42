"""What a node tells of the connections that pass it: each thing once while it is news, and again for servers that forgot."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from tests.story.elsewhere import record
from tests.story.traffic import CLIENT, NODE, NOON, SECOND, connection
from unmasq.base.telemetry import Counters
from unmasq.join.outgoing import AGAIN_US, LAST_US, MOST, Outgoing
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.model.native import NATIVE
from unmasq.model.translation import Translations

SEEN_AS = (NODE, 4000)
NEW, DESTROY, DUMP = ConnectionEvent


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def outgoing(counters: Counters) -> Outgoing:
    return Outgoing(counters)


def seen(at: int, event: ConnectionEvent = NEW, *, start: int = NOON, stop: int = 0, id_: int = 1) -> ConnectionBatch:
    return connection((CLIENT, 7000), at, id_=id_, event=event, seen_as=SEEN_AS, to=NODE, start=start, stop=stop)


def told(records: Translations) -> list[tuple[int, int, int]]:
    """(start, end, last seen) of each record, in seconds since noon; an end of 0 is none."""
    rows = zip(records.start_us.tolist(), records.end_us.tolist(), records.seen_us.tolist(), strict=True)
    return [((start - NOON) // SECOND, end and (end - NOON) // SECOND, (at - NOON) // SECOND) for start, end, at in rows]


def due(outgoing: Outgoing, seconds: float) -> list[tuple[int, int, int]]:
    return told(outgoing.due(NOON + int(seconds * SECOND)))


def test_a_connection_is_told_when_it_begins_and_when_it_has_ended(outgoing: Outgoing, counters: Counters) -> None:
    outgoing.take(seen(NOON))
    (first,) = [outgoing.due(NOON)]
    assert [c.tolist() for c in first.as_dict().values()] == [c.tolist() for c in record((CLIENT, 7000), NOON).as_dict().values()]
    outgoing.take(seen(NOON + 5 * SECOND, DUMP))
    assert due(outgoing, 5) == []
    outgoing.take(seen(NOON + 9 * SECOND, DESTROY, stop=NOON + 8 * SECOND))
    assert due(outgoing, 9) == [(0, 8, 9)]
    assert counters.of("translations_told") == 2


def test_what_is_open_is_told_again_every_minute_with_when_it_was_last_seen(outgoing: Outgoing) -> None:
    outgoing.take(seen(NOON))
    assert due(outgoing, 0) == [(0, 0, 0)]
    for second in range(5, 130, 5):
        outgoing.take(seen(NOON + second * SECOND, DUMP))
        assert due(outgoing, second) == ([(0, 0, second)] if second % 60 == 0 else [])


def test_what_has_ended_is_told_for_a_last_time_when_its_flows_are_through(outgoing: Outgoing) -> None:
    """An entry that conntrack still shows in TIME_WAIT has ended once."""
    outgoing.take(seen(NOON))
    due(outgoing, 0)
    for second in range(5, 120, 5):
        outgoing.take(seen(NOON + second * SECOND, DUMP, stop=NOON + second * SECOND))
        assert due(outgoing, second) == ([(0, 5, 5)] if second == 5 else [])
    assert due(outgoing, 134) == []
    assert due(outgoing, 135) == [(0, 5, 115)]
    assert len(outgoing) == 0
    assert due(outgoing, 1000) == []


def test_the_start_that_was_told_first_stays(outgoing: Outgoing) -> None:
    """It is told by two clocks of the kernel, and a server knows a connection by it."""
    outgoing.take(seen(NOON))
    outgoing.take(seen(NOON + SECOND, DESTROY, start=NOON + 40, stop=NOON + SECOND))
    assert {int(start) for start in outgoing.due(NOON + SECOND).start_us} == {NOON}


def test_of_what_two_dumps_do_not_show_it_is_told_when_it_was_last_seen(outgoing: Outgoing, counters: Counters) -> None:
    outgoing.take(seen(NOON))
    due(outgoing, 0)
    outgoing.take(ConnectionBatch.empty(), NOON + 5 * SECOND)
    assert due(outgoing, 5) == []
    outgoing.take(ConnectionBatch.empty(), NOON + 10 * SECOND)
    assert due(outgoing, 10) == [(0, 0, 0)]
    assert counters.of("connections_end_lost") == 1
    outgoing.take(ConnectionBatch.empty(), NOON + 15 * SECOND)
    assert due(outgoing, 100) == []
    assert due(outgoing, 140) == [(0, 0, 0)]
    assert len(outgoing) == 0


def test_what_is_seen_again_is_open_as_before(outgoing: Outgoing) -> None:
    """Its listener may have been away from the server's list for a while."""
    outgoing.take(seen(NOON))
    for second in (5, 10):
        outgoing.take(ConnectionBatch.empty(), NOON + second * SECOND)
    due(outgoing, 10)
    outgoing.take(seen(NOON + 15 * SECOND, DUMP), NOON + 15 * SECOND)
    assert due(outgoing, 70) == [(0, 0, 15)]
    assert len(outgoing) == 1


def test_an_id_that_the_kernel_uses_again_is_another_connection(outgoing: Outgoing) -> None:
    outgoing.take(
        ConnectionBatch.concat(
            [seen(NOON), seen(NOON + SECOND, DESTROY, stop=NOON + SECOND), seen(NOON + 3 * SECOND, start=NOON + 3 * SECOND)]
        )
    )
    assert due(outgoing, 3) == [(0, 0, 0), (0, 1, 1), (3, 0, 3)]
    assert len(outgoing) == 1


def test_of_a_source_that_is_as_it_was_there_is_nothing_to_tell(outgoing: Outgoing, counters: Counters) -> None:
    outgoing.take(connection((CLIENT, 7000), NOON))
    assert due(outgoing, 0) == []
    assert (len(outgoing), counters.of("not_translated")) == (0, 1)


def test_something_is_told_once_a_second_and_everything_at_the_end(outgoing: Outgoing) -> None:
    due(outgoing, 0)
    outgoing.take(seen(NOON))
    assert due(outgoing, 0.9) == []
    assert len(outgoing.due(NOON, everything=True)) == 1


def test_a_clock_that_is_set_back_silences_nobody(outgoing: Outgoing) -> None:
    outgoing.take(seen(NOON))
    due(outgoing, 0)
    assert due(outgoing, -3600) == [(0, 0, 0)]
    assert due(outgoing, -3540) == [(0, 0, 0)]


def test_a_bounded_number_is_remembered_and_the_others_are_counted(counters: Counters) -> None:
    outgoing = Outgoing(counters, most=2)
    outgoing.take(many(3))
    outgoing.take(many(3))
    assert len(outgoing.due(NOON)) == len(outgoing) == 2
    assert counters.of("translations_dropped", "full") == 2


def many(count: int, first: int = 0) -> ConnectionBatch:
    """So many connections that began at noon, from ports and with ids of their own."""
    number = np.arange(first, first + count)
    rows = seen(NOON).take(np.zeros(count, "i8"))
    return replace(
        rows,
        id=number.astype("u4"),
        reply_dport=(number % 60_000).astype("u2"),
        reply_dst_lo=rows.reply_dst_lo + number.astype("u8") // 60_000,
    )


@pytest.mark.skipif(NATIVE is None, reason="the index in Python is larger")
def test_as_many_as_are_remembered_fit_into_60_megabytes(outgoing: Outgoing) -> None:
    tracemalloc.start()
    try:
        for first in range(0, MOST, 10_000):
            outgoing.take(many(10_000, first))
            assert len(outgoing.due(NOON, everything=True)) == 10_000
        size, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    print(f"{size / 1e6:.1f} MB, at most {peak / 1e6:.1f} MB")
    assert len(outgoing) == MOST
    assert peak < 60e6


def test_many_that_are_due_at_once_are_told_one_part_after_another(outgoing: Outgoing) -> None:
    outgoing.take(many(50_000))
    assert len(outgoing.due(NOON)) == 50_000
    again = [outgoing.due(NOON + AGAIN_US + second * SECOND) for second in range(4)]
    assert list(map(len, again)) == [20_000, 20_000, 10_000, 0]
    assert len(set(np.concatenate([part.source_lo * 60_000 + part.source_port for part in again]).tolist())) == 50_000


def test_the_last_word_comes_after_conntrack_has_forgotten_an_entry() -> None:
    assert LAST_US > 120 * SECOND
