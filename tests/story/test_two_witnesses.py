"""What the proxy's sockets tell, alone and beside conntrack: one connection stays one, and its counts are of one layer."""

import pytest

from tests.story.test_join import clients, flags, joins
from tests.story.traffic import CLIENT, GATEWAY, NODE, OTHER, SECOND, Story, connection, line
from tests.story.traffic import NOON as MINUTE
from unmasq.model.address import to_text
from unmasq.model.connection import ConnectionBatch, ConnectionEvent, Witnessed
from unmasq.model.flowbatch import FlowBatch

SEEN_AS = (GATEWAY, 44420)
AT = MINUTE + 30 * SECOND
DUMPED = AT - 2 * SECOND


def socket(
    at: int, event: ConnectionEvent = ConnectionEvent.DESTROY, *, after: int = DUMPED, size: int = 50, id_: int = 7
) -> ConnectionBatch:
    """What the proxy's socket tells of a connection that a node translated, or not: it cannot say."""
    stop = at if event == ConnectionEvent.DESTROY else 0
    counts = (size,) * 4
    return connection(
        SEEN_AS, at, id_=id_, event=event, start=0, after=DUMPED, stop=stop, counts=counts, witness=Witnessed.SOCKET
    )  # fmt: skip


def entry(
    at: int, event: ConnectionEvent = ConnectionEvent.NEW, *, start: int = AT, stop: int = 0, size: int = -1, id_: int = 1
) -> ConnectionBatch:
    """What conntrack tells of it."""
    return connection((CLIENT, 4000), at, event=event, seen_as=SEEN_AS, to=NODE, start=AT, stop=stop, counts=(size,) * 4)


def begun(**options: object) -> Story:
    """A story that begins in the middle of a minute."""
    story = Story(**options)  # type: ignore[arg-type]
    story.now = AT
    return story


def only(batch: FlowBatch | None) -> FlowBatch:
    assert batch is not None
    assert len(batch) == 1
    return batch


def told(batch: FlowBatch) -> tuple[list[str], int, int, int]:
    """(join, start, end, bytes in) of the only flow."""
    flows = only(batch).flows
    return joins(batch), int(flows.opened_us[0]), int(flows.closed_us[0]), int(flows.bytes_in[0])


def test_a_socket_alone_gives_the_exact_end_and_the_bytes_of_the_application():
    story = begun()
    story.kernel(dump_began=DUMPED)
    story.tell(line(*SEEN_AS))
    story.now += SECOND
    story.kernel(socket(story.now))
    batch = only(story.after(70))
    assert told(batch) == (["exact"], AT + SECOND, AT + SECOND, 50)
    assert flags(batch) == [["application_bytes"]]


def test_a_connection_between_two_dumps_gets_all_its_lines():
    """Its start is known to lie between the dump before and its end."""
    story = begun()
    story.now += 4 * SECOND
    story.tell(line(*SEEN_AS, at=AT - SECOND), line(*SEEN_AS, at=AT, age=0.5), line(*SEEN_AS, at=AT + 4 * SECOND, age=4.5))
    story.kernel(socket(AT + 4 * SECOND))
    assert joins(only(story.after(200))) == ["exact"]


def test_a_line_from_before_the_last_dump_that_did_not_show_the_socket_is_of_another_connection():
    story = begun()
    story.now += 4 * SECOND
    story.tell(line(*SEEN_AS, at=DUMPED - 5 * SECOND), line(*SEEN_AS, at=AT, age=10))
    story.kernel(socket(AT + 4 * SECOND))
    batch = story.after(200)
    assert batch is not None
    assert sorted(joins(batch)) == ["unlogged", "unwitnessed"]


def test_a_used_port_is_not_older_than_the_end_of_its_last_connection():
    story = begun()
    story.kernel(socket(AT, id_=7))
    story.kernel(socket(AT + 3 * SECOND, id_=8))
    story.now += 3 * SECOND
    story.tell(line(*SEEN_AS, at=AT + 2 * SECOND), line(*SEEN_AS, at=AT - 2 * SECOND))
    batch = story.after(200)
    assert batch is not None
    assert sorted(zip(batch.flows.closed_us.tolist(), batch.flows.requests.tolist(), strict=True)) == [(AT, 1), (AT + 3 * SECOND, 1)]


WAYS = {
    "conntrack first": [entry(AT), socket(AT + SECOND)],
    "socket first": [socket(AT + SECOND), entry(AT)],
    "all at once": [ConnectionBatch.concat([socket(AT + SECOND), entry(AT)])],
    "open socket first": [socket(AT, ConnectionEvent.DUMP, size=1), entry(AT), socket(AT + SECOND)],
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_two_witnesses_make_one_flow_with_the_translation_and_the_exact_end(way):
    story = begun(node_ranges=[GATEWAY])
    for events in way:
        story.kernel(events)
    story.now += 2 * SECOND
    story.tell(line(*SEEN_AS))
    story.now += 3 * SECOND
    story.kernel(entry(story.now, ConnectionEvent.DUMP, stop=story.now, size=200), dump_began=story.now)
    story.now += 120 * SECOND
    story.kernel(entry(story.now, ConnectionEvent.DESTROY, stop=story.now, size=200))
    batch = only(story.after(10))
    assert told(batch)[:3] == (["nat"], AT, AT + SECOND)
    assert clients(batch) == [(CLIENT, "observed", 1)]
    assert to_text(int(batch.flows.nat_hi[0]), int(batch.flows.nat_lo[0])) == CLIENT
    assert story.after(1000) is None


@pytest.mark.parametrize(("way", "size", "noted"), [("conntrack first", 200, []), ("socket first", 50, ["application_bytes"])])
def test_counts_are_of_whoever_saw_it_first_and_say_so(way, size, noted):
    story = begun()
    for events in WAYS[way]:
        story.kernel(events)
    story.tell(line(*SEEN_AS))
    story.kernel(entry(AT + 2 * SECOND, ConnectionEvent.DUMP, stop=AT + 2 * SECOND, size=200))
    batch = only(story.after(70))
    assert (told(batch)[3], flags(batch)) == (size, [noted])


def test_a_used_port_is_told_apart_by_both():
    story = begun(node_ranges=[GATEWAY])
    other = connection((OTHER, 5000), AT + 5 * SECOND, id_=2, seen_as=SEEN_AS)
    story.kernel(ConnectionBatch.concat([socket(AT + SECOND, id_=7), entry(AT)]))
    story.kernel(ConnectionBatch.concat([socket(AT + 6 * SECOND, id_=8), other]))
    story.now += 9 * SECOND
    story.tell(line(*SEEN_AS, at=AT), line(*SEEN_AS, at=AT + 5 * SECOND, age=0.1))
    batch = story.after(70)
    assert batch is not None
    sources = map(to_text, batch.flows.nat_hi.tolist(), batch.flows.nat_lo.tolist())
    assert dict(zip(sources, batch.flows.closed_us.tolist(), strict=True)) == {CLIENT: AT + SECOND, OTHER: AT + 6 * SECOND}
    assert clients(batch) == [(CLIENT, "observed", 1), (OTHER, "observed", 1)]


def test_the_last_word_of_an_entry_is_no_connection_of_its_own():
    """Conntrack keeps an entry for 120 s behind the end, as long as a connection is remembered."""
    story = begun()
    story.kernel(entry(AT), socket(AT + SECOND))
    story.tell(line(*SEEN_AS))
    only(story.after(70))
    assert [story.after(1) for _ in range(60)] == [None] * 60
    story.kernel(entry(story.now, ConnectionEvent.DESTROY, stop=story.now))
    assert story.after(200) is None
    assert len(story.desk.connections) == 0


def test_an_entry_whose_last_word_was_lost_is_forgotten_all_the_same():
    story = begun()
    story.kernel(entry(AT), socket(AT + SECOND))
    story.after(200)
    assert len(story.desk.connections) == 1
    story.after(200)
    assert len(story.desk.connections) == 0


def test_a_source_that_a_socket_alone_saw_may_be_translated_by_this_very_node():
    story = begun(node_ranges=[GATEWAY])
    story.around = type(story.around)("node-1", story.trust, story.around.node_ranges, frozenset({(0, 0xFFFF_0AF4_0101)}))
    story.kernel(socket(AT, ConnectionEvent.DUMP))
    story.tell(line(*SEEN_AS, "1.1.1.1"))
    batch = only(story.after(70))
    assert clients(batch) == [("", None, 1)]
    assert flags(batch) == [["snat_elsewhere", "application_bytes"]]
