"""The join as a law: whatever comes in whatever order, every line ends in exactly one flow, and nothing is made up."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.story.traffic import NOON, PROXY, SECOND, Story, connection, line, only
from unmasq.join.settings import WindowSettings
from unmasq.model.address import to_text
from unmasq.model.connection import ConnectionEvent, Witnessed
from unmasq.model.flowbatch import FlowBatch, Join

# Few of each, so that ports are used again, ids come back and lines of one tuple meet several connections.
SOURCES = ["198.51.100.1", "203.0.113.9", "2001:db8::7"]
PORTS = [4000, 4001]
ENDS = [(PROXY, 80), (PROXY, 443)]
HEADERS = ["-", "1.1.1.1", "6.6.6.6, 198.51.100.9"]
NAMELESS = ["", "garbage", 'unmasq: {"source_port": "1"}', "unmasq: {"]

source, port, ago = st.sampled_from(SOURCES), st.sampled_from(PORTS), st.sampled_from([0, 1, 5, 59, 61, 200])


@dataclass
class Ledger:
    """What went in and what came out."""

    story: Story
    told: Counter[tuple[str, int, str]]
    nameless: int
    batches: list[FlowBatch]

    def take(self, batch: FlowBatch | None) -> None:
        self.batches += [] if batch is None else [batch]


End = tuple[str, int]
Step = Callable[[Ledger], None]


@st.composite
def telling(draw) -> Step:
    age = st.sampled_from([None, 0.0, 5.0])
    own = st.sampled_from([*ENDS, None, None])
    lines = draw(st.lists(st.tuples(source, port, st.sampled_from(HEADERS), ago, age, own), max_size=6))
    nameless = draw(st.lists(st.sampled_from(NAMELESS), max_size=2))
    exact = draw(st.booleans())

    def step(ledger: Ledger) -> None:
        now = ledger.story.now
        texts = [
            line(source, port, header, at=now - ago * SECOND if exact else None, age=age if exact else None, own=own)
            for source, port, header, ago, age, own in lines
        ]
        ledger.told.update((each[0], each[1], each[2]) for each in lines)
        ledger.nameless += len(nameless)
        ledger.story.tell(*texts, *nameless)

    return step


@st.composite
def kernel(draw) -> Step:
    seen_as, own, id_, count = st.tuples(source, port), st.sampled_from(ENDS), st.integers(1, 4), st.integers(0, 9)
    kinds = st.sampled_from([ConnectionEvent.NEW, ConnectionEvent.NEW, ConnectionEvent.DUMP, ConnectionEvent.DESTROY])
    entry = seen_as.flatmap(
        lambda end: st.tuples(st.just(_event), st.just(end), own, kinds, id_, ago, count, st.sampled_from([end, ("192.0.2.5", 999)]))
    )
    socket = st.tuples(st.just(_socket), seen_as, own, st.sampled_from([ConnectionEvent.DUMP, ConnectionEvent.DESTROY]), id_, ago, count)
    events = draw(st.lists(st.one_of(entry, entry, socket), min_size=1, max_size=4))
    dumped = draw(st.booleans())

    def step(ledger: Ledger) -> None:
        now = ledger.story.now
        ledger.story.kernel(*(make(now, *told) for make, *told in events), dump_began=now if dumped else None)

    return step


def _event(now: int, seen_as: End, own: End, event: ConnectionEvent, id_: int, ago: int, count: int, opener: End):
    counts = (-1, -1, -1, -1) if event == ConnectionEvent.NEW else (count, count, count, count)
    start, stop = now - ago * SECOND, now if event == ConnectionEvent.DESTROY else 0
    return connection(opener, now, id_=id_, event=event, seen_as=seen_as, own=own, start=start, stop=stop, counts=counts)


def _socket(now: int, seen_as: End, own: End, event: ConnectionEvent, id_: int, ago: int, count: int):
    after, stop, counts = now - ago * SECOND, now if event == ConnectionEvent.DESTROY else 0, (count, count, count, count)
    return connection(seen_as, now, id_=id_, event=event, own=own, start=0, after=after, stop=stop, counts=counts, witness=Witnessed.SOCKET)


@st.composite
def waiting(draw) -> Step:
    seconds = draw(st.sampled_from([0, 0.3, 1, 11, 61, 75, 130, -30]))
    return lambda ledger: ledger.take(ledger.story.after(seconds))


def look(ledger: Ledger) -> None:
    """A question meanwhile sees each line that is still here once, and changes nothing."""
    assert requests(ledger.story.open()) == ledger.told.total() - requests(ledger.batches)


def requests(batches: Sequence[FlowBatch]) -> int:
    return sum(int(batch.flows.requests.sum()) for batch in batches)


def run(steps: Sequence[Step], settings: WindowSettings) -> Ledger:
    ledger = Ledger(Story(trust=["203.0.113.0/24"], settings=settings), Counter(), 0, [])
    for step in steps:
        step(ledger)
    ledger.take(only(ledger.story.desk.close(ledger.story.now, everything=True)))
    return ledger


windows = st.sampled_from([
    WindowSettings(),
    WindowSettings(linger_us=300 * SECOND, wait_us=20 * SECOND),
    WindowSettings(most_lines=4),
    WindowSettings(pictured_lines=3),
    WindowSettings(most_open=2, early_lines=2),
    WindowSettings(most_connections=2),
])  # fmt: skip
scripts = st.lists(st.one_of(telling(), telling(), kernel(), kernel(), waiting(), st.just(look)), max_size=14)


@given(scripts, windows)
def test_every_line_ends_in_exactly_one_flow_or_as_dropped(steps, settings):
    ledger = run(steps, settings)
    assert requests(ledger.batches) == ledger.told.total()
    assert sum(int(batch.chains.requests.sum()) for batch in ledger.batches) == ledger.told.total()
    assert covered(ledger.batches) == list(range(ledger.story.offset))


def covered(batches: Sequence[FlowBatch]) -> list[int]:
    """Every byte of the log that a batch says it holds, in order; one that two hold comes twice."""
    runs = [range(start, end) for b in batches for start, end in zip(b.lines.start.tolist(), b.lines.end.tolist(), strict=True)]
    return sorted(byte for each in runs for byte in each)


@given(scripts, windows)
def test_lines_stay_with_their_own_tuple_and_headers(steps, settings):
    ledger = run(steps, settings)
    found: Counter[tuple[str, int, str]] = Counter()
    for batch in ledger.batches:
        found.update(dict(_chains(batch)))
    assert +found == +ledger.told


def _chains(batch: FlowBatch) -> Iterable[tuple[tuple[str, int, str], int]]:
    """(source, port, X-Forwarded-For) and the number of requests of each chain."""
    flow, told = batch.chains.flow, Counter[tuple[str, int, str]]()
    columns = (batch.flows.source_hi[flow], batch.flows.source_lo[flow], batch.flows.source_port[flow])
    for hi, lo, port, text, count in zip(*(c.tolist() for c in (*columns, batch.chains.headers, batch.chains.requests)), strict=True):
        told[to_text(hi, lo), port, batch.texts[text].partition('"x-forwarded-for":"')[2].partition('"')[0]] += count
    return told.items()


@given(scripts, windows)
def test_a_flow_is_what_it_says(steps, settings):
    """Witnessed flows carry their connection, others none; a connection without a line is told once and without requests."""
    for batch in run(steps, settings).batches:
        flows = batch.flows
        witnessed = flows.conntrack_id > 0
        assert (witnessed == (flows.join != Join.UNWITNESSED)).all()
        assert (witnessed | (flows.nat_lo == 0)).all()
        assert (flows.nat_lo[flows.join == Join.NAT] > 0).all()
        assert (flows.nat_lo[flows.join == Join.EXACT] == 0).all()
        assert (flows.requests[flows.join == Join.UNLOGGED] == 0).all()
        assert (flows.dest_port[flows.join != Join.UNWITNESSED] > 0).all()
        assert (flows.first_us <= flows.last_us).all()
        assert (np.bincount(batch.chains.flow, batch.chains.requests, len(flows)) == flows.requests).all()
        assert (flows.bytes_in >= -1).all()


def test_the_bound_on_lines_gives_up_the_oldest_and_counts_them():
    story = Story(settings=WindowSettings(most_lines=4))
    for number in range(6):
        story.tell(line(SOURCES[0], 5000 + number))
        story.after(0)
        assert len(story.desk) <= 4
    assert story.counters.of("window_gave_up_lines", "full") == 2
    story.kernel(*(connection((SOURCES[0], 5000 + number), NOON, id_=1 + number) for number in range(6)))
    flows = story.end().flows
    assert sorted(flows.source_port[flows.join == Join.UNLOGGED].tolist()) == [5000, 5001]
    assert sorted(flows.source_port[flows.join == Join.EXACT].tolist()) == [5002, 5003, 5004, 5005]


def test_the_bound_on_connections_drops_new_ones_and_counts_them():
    story = Story(settings=WindowSettings(most_connections=2))
    story.kernel(*(connection((SOURCES[0], 5000 + number), NOON, id_=1 + number) for number in range(5)))
    assert len(story.desk.connections) == 2
    assert story.counters.of("window_dropped_connections", "full") == 3


def test_a_connection_is_remembered_as_long_as_its_lines_are_here():
    """However long a flow lingers, and however far its clock is ahead of ours."""
    story = Story(settings=WindowSettings(linger_us=300 * SECOND, wait_us=20 * SECOND))
    story.kernel(connection((SOURCES[0], 4000), NOON))
    story.tell(line(SOURCES[0], 4000))
    story.kernel(connection((SOURCES[0], 4000), NOON, event=ConnectionEvent.DESTROY, stop=NOON))
    assert [story.after(seconds) for seconds in (1, 30, 30)] == [None, None, None]
    assert len(story.desk.connections) == 1
    batch = story.after(400)
    assert batch is not None
    assert batch.flows.join.tolist() == [Join.EXACT]
    assert len(story.desk.connections) == 0
