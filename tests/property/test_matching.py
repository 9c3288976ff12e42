"""Many lines find their connections at once as each would find it alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.test_pipeline import SOURCES, ago
from tests.story.traffic import FILE, NOON, SECOND, connection, line
from unmasq.base.telemetry import Counters
from unmasq.join.lines import JoinedLines, from_batch, is_exact
from unmasq.join.matching import match, tuple_columns
from unmasq.join.settings import WindowSettings
from unmasq.join.table import Connection, ConnectionTable
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
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


def alone(found: JoinedLines, row: int, table: ConnectionTable) -> tuple[Connection | None, int]:
    """The rule, for one line: its connection and its time."""
    protocol, hi, lo, number, *dest = (int(column[row]) for column in tuple_columns(found))
    time_us, exact = int(found.time_us[row]), is_exact(int(found.time_source[row]))
    if not found.source_port[row]:
        return None, time_us
    known = table.find((protocol, hi, lo, number, dest[0], dest[1], dest[2]), time_us, int(found.opened_us[row]), exact_time=exact)
    return known, min(time_us, known.end_us) if known and known.end_us and not exact else time_us


@settings(max_examples=300)
@given(events, lines)
def test_many_lines_find_what_each_alone_would_find(kernel, log):
    table, found = table_of(kernel), lines_of(log)
    expected = [alone(found, row, table) for row in range(len(found))]
    matched = match(found, table)
    assert matched.serials.tolist() == [known.serial if known else 0 for known, _ in expected]
    assert matched.times.tolist() == [time for _, time in expected]
    assert sum(known.requests for known in table) == sum(known.held for known in table) == sum(1 for known, _ in expected if known)
    assert matched.waits.tolist() == [not known and number > 0 for (known, _), number in zip(expected, found.source_port, strict=True)]
