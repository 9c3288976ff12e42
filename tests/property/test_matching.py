"""Many lines find their connections at once as each would find it alone."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.test_pipeline import SOURCES, ago
from tests.story.traffic import FILE, NOON, PROXY, SECOND, connection, line
from unmasq.base.telemetry import Counters
from unmasq.join.connections import SOURCE, TUPLE, Connections, tuples
from unmasq.join.lines import JoinedLines, from_batch, is_exact
from unmasq.join.matching import Matched, match, match_partial
from unmasq.join.pairing import SLACK_US
from unmasq.join.settings import WindowSettings
from unmasq.join.table import ConnectionTable
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.model.ingress import Chunk
from unmasq.read.formats.lines import LineReader

REMEMBERED_US = 120 * SECOND
ENDS = [(PROXY, 80), (PROXY, 443), ("2001:db8:f1::10", 80)]

source, port, end = st.sampled_from(SOURCES[:2]), st.just(4000), st.sampled_from(ENDS[:1] * 2 + ENDS[1:])
ages = st.sampled_from([None, None, 0.0, 5.0, 60.0])
events = st.lists(st.tuples(source, port, end, st.booleans(), st.integers(1, 9), ago), min_size=1, max_size=6)
lines = st.lists(st.tuples(source, st.sampled_from([4000, 4000, ""]), end, ago, ages, st.booleans()), min_size=1, max_size=8)


def tell(table: ConnectionTable, some) -> None:
    for address, number, own, ended, id_, seconds in some:
        start = NOON - seconds * SECOND
        kind, stop = (ConnectionEvent.DESTROY, start + 3 * SECOND) if ended else (ConnectionEvent.NEW, 0)
        table.apply(ConnectionBatch.concat([connection((address, number), NOON, id_=id_, event=kind, own=own, start=start, stop=stop)]))


def table_of(some) -> ConnectionTable:
    table = ConnectionTable(WindowSettings(), Counters(), 0)
    tell(table, some)
    return table


def lines_of(some, *, partial: bool = False) -> JoinedLines:
    texts = [
        line(
            address, number, at=NOON - seconds * SECOND if exact else None, age=age if exact else None, own=None if partial else own
        )
        for address, number, own, seconds, age, exact in some
    ]  # fmt: skip
    data = "".join(text + "\n" for text in texts).encode()
    return from_batch(LineReader().read(Chunk(FILE, "log", 0, data, live=True), NOON), 0, NOON)


def alone(one: JoinedLines, known: Connections) -> int:
    """The rule for one whole line: by the connection's own start if the line told it, else by the time of the line."""
    if not one.source_port[0]:
        return 0
    of_tuple = np.all([theirs == mine[0] for theirs, mine in zip(tuples(known), tuples(one), strict=True)], axis=0)
    known = known.take(of_tuple & ~known.is_gone)
    time_us, opened_us = int(one.time_us[0]), int(one.opened_us[0])
    if opened_us:
        distance_us = np.maximum(0, np.maximum(known.earliest_us - opened_us, opened_us - known.start_us))
        fits, rank = distance_us <= SLACK_US, -distance_us
    else:
        is_over = bool(is_exact(one.time_source)[0]) & (known.end_us > 0) & (time_us > known.end_us + SLACK_US)
        fits, rank = (known.earliest_us <= time_us + SLACK_US) & ~is_over, known.start_us
    return int(known.serial[fits][np.argmax(rank[fits])]) if fits.any() else 0


def at_each_end(one: JoinedLines, known: Connections) -> set[int]:
    """What a line would find, if it named one end of a proxy's or the other."""
    found = set()
    for named in zip(*(column.tolist() for column in tuples(known, TUPLE[4:])), strict=True):
        columns = {name: np.array([value]) for name, value in zip(TUPLE[4:], named, strict=True)}
        found.add(alone(JoinedLines(**one.as_dict() | columns), known))
    return found - {0}


def check(matched: Matched, found: JoinedLines, expected: Sequence[int], table: ConnectionTable) -> None:
    """That these were found, their times, and that each request was counted."""
    assert matched.serials.tolist() == expected
    ends = [int(table.named(np.array([serial])).end_us[0]) if serial else 0 for serial in expected]
    rough = zip(found.time_us.tolist(), ends, is_exact(found.time_source).tolist(), strict=True)
    assert matched.times.tolist() == [min(time, end) if end and not exact else time for time, end, exact in rough]
    assert table.rows.requests.sum() == table.rows.held.sum() == sum(1 for serial in expected if serial)


@settings(max_examples=300)
@given(events, lines)
def test_many_lines_find_what_each_alone_would_find(kernel, log):
    table, found = table_of(kernel), lines_of(log)
    expected = [alone(found.take(np.array([row])), table.rows) for row in range(len(found))]
    matched = match(found, table)
    check(matched, found, expected, table)
    assert matched.waits.tolist() == [not serial and number > 0 for serial, number in zip(expected, found.source_port, strict=True)]
    assert not table.rows.is_partial.any()


@settings(max_examples=500)
@given(events, events, lines, st.booleans())
def test_a_partial_line_finds_what_a_whole_one_would_wherever_there_is_only_one(before, after, log, was_asked):
    """Whatever was known when sources were asked for first, and whatever was forgotten meanwhile."""
    table = table_of(before)
    if was_asked:
        table.of_sources()
    table.forget((table.rows.serial % 3 == 0) & ~table.rows.is_gone)
    tell(table, after)
    found = lines_of(log, partial=True)
    found = found.take(found.source_port > 0)
    each = [at_each_end(found.take(np.array([row])), table.rows) for row in range(len(found))]
    is_old = is_exact(found.time_source) & (found.time_us < NOON - REMEMBERED_US) & (found.opened_us == 0)
    possible = [set() if old else serials for old, serials in zip(is_old, each, strict=True)]
    matched = match_partial(found, table, REMEMBERED_US)
    check(matched, found, [next(iter(serials)) if len(serials) == 1 else 0 for serials in possible], table)
    assert matched.refused == {"old": is_old.sum(), "ambiguous": sum(len(serials) > 1 for serials in possible)}
    assert matched.waits.tolist() == [not old and not serials for old, serials in zip(is_old, possible, strict=True)]
    rows = table.rows.take(~table.rows.is_gone)
    assert (rows.is_partial == (rows.requests > 0)).all()


def test_what_partial_lines_wait_for_is_what_new_connections_are_known_by():
    table = ConnectionTable(WindowSettings(), Counters(), 0)
    found = lines_of([(SOURCES[0], 4000, None, 0, None, True)], partial=True)
    missing = match_partial(found, table, REMEMBERED_US).missing
    begun = table.apply(connection((SOURCES[0], 4000), NOON))
    assert missing < table.keys_of(begun)
    assert {len(key) for key in missing} == {8 * len(SOURCE)}
