"""Many lines find their connections at once as each would find it alone."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.test_pipeline import SOURCES, ago
from tests.story.traffic import FILE, NOON, SECOND, connection, line
from unmasq.base.telemetry import Counters
from unmasq.join.connections import tuples
from unmasq.join.lines import JoinedLines, from_batch, is_exact
from unmasq.join.matching import match
from unmasq.join.settings import WindowSettings
from unmasq.join.table import ConnectionTable
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.model.index import keyed, packed
from unmasq.model.ingress import Chunk
from unmasq.read.formats.lines import LineReader

source, port = st.sampled_from(SOURCES[:2]), st.just(4000)
ages = st.sampled_from([None, None, 0.0, 5.0, 60.0])
events = st.lists(st.tuples(source, port, st.booleans(), st.integers(1, 9), ago), min_size=1, max_size=6)
lines = st.lists(st.tuples(source, st.sampled_from([4000, 4000, ""]), ago, ages, st.booleans()), min_size=1, max_size=8)


def table_of(some) -> ConnectionTable:
    table = ConnectionTable(WindowSettings(), Counters(), 0)
    for address, number, ended, id_, seconds in some:
        start = NOON - seconds * SECOND
        kind, stop = (ConnectionEvent.DESTROY, start + 3 * SECOND) if ended else (ConnectionEvent.NEW, 0)
        table.apply(ConnectionBatch.concat([connection((address, number), NOON, id_=id_, event=kind, start=start, stop=stop)]))
    return table


def lines_of(some) -> JoinedLines:
    texts = [
        line(address, number, at=NOON - seconds * SECOND if exact else None, age=age if exact else None)
        for address, number, seconds, age, exact in some
    ]
    data = "".join(text + "\n" for text in texts).encode()
    return from_batch(LineReader().read(Chunk(FILE, "log", 0, data, live=True), NOON), 0, NOON)


def alone(found: JoinedLines, row: int, table: ConnectionTable) -> tuple[int, int]:
    """The rule, for one line: the serial of its connection and its time."""
    one = found.take(np.array([row]))
    time_us, exact = int(one.time_us[0]), bool(is_exact(one.time_source)[0])
    if not one.source_port[0]:
        return 0, time_us
    serial = table.find(packed(keyed(tuples(one)))[0], time_us, int(one.opened_us[0]), exact_time=exact)
    end_us = int(table.named(np.array([serial])).end_us[0]) if serial else 0
    return serial, min(time_us, end_us) if end_us and not exact else time_us


@settings(max_examples=300)
@given(events, lines)
def test_many_lines_find_what_each_alone_would_find(kernel, log):
    table, found = table_of(kernel), lines_of(log)
    expected = [alone(found, row, table) for row in range(len(found))]
    matched = match(found, table)
    assert matched.serials.tolist() == [serial for serial, _ in expected]
    assert matched.times.tolist() == [time for _, time in expected]
    assert table.rows.requests.sum() == table.rows.held.sum() == sum(1 for serial, _ in expected if serial)
    assert matched.waits.tolist() == [not serial and number > 0 for (serial, _), number in zip(expected, found.source_port, strict=True)]
