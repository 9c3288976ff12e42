"""Lines that do not name the proxy's own end: joined by source, time and listener, and never by a guess."""

from dataclasses import replace

import pytest

from tests.story.test_join import clients, flags, joins
from tests.story.traffic import CLIENT, EDGE, GATEWAY, NODE, NOON, OTHER, PROXY, SECOND, Story, connection, line
from unmasq.join.settings import WindowSettings
from unmasq.model.address import parse, to_text
from unmasq.model.connection import ConnectionEvent
from unmasq.model.flowbatch import FlowBatch

TLS = (PROXY, 443)
CLIENT_V6 = "2001:db8:1::10"


def partial(source: str, port: int | str, xff: str = "-", *, at: int | None = None, age: float | None = None) -> str:
    return line(source, port, xff, at=at, age=age, own=None)


def ended(client: tuple[str, int], start: int, stop: int, **more):
    return connection(client, stop, start=start, stop=stop, event=ConnectionEvent.DESTROY, **more)


def listeners(batch: FlowBatch) -> list[tuple[str, int]]:
    ends = zip(batch.flows.dest_hi.tolist(), batch.flows.dest_lo.tolist(), batch.flows.dest_port.tolist(), strict=True)
    return [(to_text(hi, lo), port) for hi, lo, port in ends]


def done(story: Story) -> FlowBatch:
    """What becomes of it all, once the kernel was heard again."""
    story.kernel()
    return story.end()


@pytest.mark.parametrize("source", [CLIENT, CLIENT_V6])
@pytest.mark.parametrize("before", [True, False], ids=["connection first", "line first"])
def test_the_flow_has_its_end_from_the_only_connection_of_that_source_and_port(source, before):
    story, begun = Story(), connection((source, 4000), NOON, own=TLS)
    if before:
        story.kernel(begun)
    story.tell(partial(source, 4000, at=NOON))
    if not before:
        story.kernel(begun)
    batch = done(story)
    assert joins(batch) == ["partial"]
    assert listeners(batch) == [TLS]
    assert clients(batch) == [(source, "observed", 1)]
    assert story.counters.of("lines_partial") == 1


def test_a_line_waits_for_a_connection_that_is_told_late():
    story = Story()
    story.tell(partial(CLIENT, 4000, at=NOON))
    story.kernel(connection((OTHER, 4000), NOON, id_=2))
    assert story.after(100) is None
    story.kernel(connection((CLIENT, 4000), NOON))
    batch = story.end()
    assert sorted(joins(batch)) == ["partial", "unlogged"]
    assert clients(batch) == [(CLIENT, "observed", 1), (OTHER, "observed", 0)]


def test_it_gives_up_after_two_minutes():
    story = Story()
    story.tell(partial(CLIENT, 4000))
    assert story.after(119) is None
    batch = story.after(1)
    assert batch is not None
    assert joins(batch) == ["unwitnessed"]
    assert listeners(batch) == [("", 0)]


def test_a_translated_source_stays_partial_and_the_client_is_the_kernels_original():
    story = Story(trust=["10.0.0.0/8"], node_ranges=[GATEWAY])
    story.kernel(connection((CLIENT, 4000), NOON, seen_as=(GATEWAY, 44420), to=NODE))
    story.tell(partial(GATEWAY, 44420, "1.1.1.1"))
    batch = done(story)
    assert joins(batch) == ["partial"]
    assert flags(batch) == [[]]
    assert clients(batch) == [(CLIENT, "observed", 1)]
    assert to_text(int(batch.flows.nat_hi[0]), int(batch.flows.nat_lo[0])) == CLIENT


def test_two_connections_to_two_listeners_at_that_time_are_not_chosen_from():
    """Behind a masquerade they are of two clients."""
    story = Story(node_ranges=[GATEWAY])
    story.kernel(
        connection((CLIENT, 4000), NOON, id_=1, seen_as=(GATEWAY, 44420)),
        connection((OTHER, 4000), NOON, id_=2, seen_as=(GATEWAY, 44420), own=TLS),
    )
    story.tell(partial(GATEWAY, 44420, at=NOON), partial(GATEWAY, 44420))
    batch = done(story)
    assert sorted(joins(batch)) == ["unlogged", "unlogged", "unwitnessed"]
    assert clients(batch) == [("", None, 2), (CLIENT, "observed", 0), (OTHER, "observed", 0)]
    assert story.counters.of("window_gave_up_lines", "ambiguous") == 2


def test_what_the_kernel_has_not_told_yet_is_not_overlooked():
    """The connection to the second listener began after the kernel was asked, and before the log was read."""
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON, id_=1, seen_as=(GATEWAY, 44420)))
    story.tell(partial(GATEWAY, 44420, at=NOON + SECOND))
    story.kernel(connection((OTHER, 4000), NOON, id_=2, seen_as=(GATEWAY, 44420), own=TLS))
    assert "partial" not in joins(story.end())


def test_of_two_listeners_that_one_whose_connection_was_there_at_that_time():
    story = Story(node_ranges=[GATEWAY])
    story.kernel(
        ended((CLIENT, 4000), NOON, NOON + SECOND, id_=1, seen_as=(GATEWAY, 44420)),
        connection((OTHER, 5000), NOON + 5 * SECOND, id_=2, seen_as=(GATEWAY, 44420), own=TLS),
    )
    story.now += 9 * SECOND
    story.tell(partial(GATEWAY, 44420, at=NOON + SECOND), partial(GATEWAY, 44420, at=NOON + 6 * SECOND))
    batch = done(story)
    assert joins(batch) == ["partial", "partial"]
    assert clients(batch) == [(CLIENT, "observed", 1), (OTHER, "observed", 1)]
    assert sorted(listeners(batch)) == [(PROXY, 80), TLS]


def test_the_start_of_its_connection_tells_two_listeners_apart():
    story = Story()
    story.kernel(
        connection((CLIENT, 4000), NOON, id_=1, seen_as=(GATEWAY, 44420)),
        connection((OTHER, 5000), NOON + 5 * SECOND, id_=2, seen_as=(GATEWAY, 44420), own=TLS),
    )
    story.now += 9 * SECOND
    story.tell(partial(GATEWAY, 44420, at=NOON + 9 * SECOND, age=4.0))
    assert (CLIENT, "observed", 0) in clients(done(story))


def test_a_port_that_is_used_again_for_the_same_listener_is_told_apart_by_time():
    story = Story()
    story.kernel(
        ended((CLIENT, 4000), NOON, NOON + SECOND, id_=1, seen_as=(GATEWAY, 44420)),
        connection((OTHER, 5000), NOON + 5 * SECOND, id_=2, seen_as=(GATEWAY, 44420)),
    )
    story.now += 9 * SECOND
    story.tell(partial(GATEWAY, 44420, at=NOON + SECOND // 2), *[partial(GATEWAY, 44420, at=NOON + 6 * SECOND)] * 2)
    assert clients(done(story)) == [(CLIENT, "observed", 1), (OTHER, "observed", 2)]


@pytest.mark.parametrize(("age", "join"), [(None, "unwitnessed"), (200.0, "partial")], ids=["by its time", "by its start"])
def test_a_line_of_a_time_that_is_not_remembered_is_only_joined_by_its_start(age, join):
    """Another connection of its source may have ended and be forgotten."""
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON - 400 * SECOND))
    story.tell(partial(CLIENT, 4000, at=NOON - 200 * SECOND, age=age))
    batch = done(story)
    assert join in joins(batch)
    assert story.counters.of("window_gave_up_lines", "old") == (join == "unwitnessed")


def test_a_late_line_joins_its_connection_in_a_document_of_its_own():
    story = Story()
    story.kernel(ended((CLIENT, 4000), NOON, NOON + 3 * SECOND))
    story.tell(partial(CLIENT, 4000, at=NOON + SECOND))
    story.kernel()
    assert story.after(75) is not None
    story.tell(partial(CLIENT, 4000, at=NOON + 2 * SECOND))
    batch = done(story)
    assert joins(batch) == ["partial"]
    assert flags(batch) == [["late"]]


def test_a_connection_of_partial_lines_is_partial_in_every_interval_and_never_unlogged():
    story = Story()
    counts = (100, 1000, 1, 10)
    story.kernel(connection((CLIENT, 4000), NOON))
    story.tell(partial(CLIENT, 4000, at=NOON + SECOND))
    story.kernel(connection((CLIENT, 4000), NOON + 70 * SECOND, start=NOON, event=ConnectionEvent.DUMP, counts=counts))
    first = story.after(75)
    story.kernel(connection((CLIENT, 4000), NOON + 76 * SECOND, start=NOON, event=ConnectionEvent.DUMP, counts=(200, 2000, 2, 20)))
    second = story.after(120)
    assert first is not None
    assert second is not None
    assert joins(first) + joins(second) == ["partial", "partial"]


def test_a_whole_line_beside_a_partial_one_is_of_the_same_flow():
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON))
    story.tell(line(CLIENT, 4000), partial(CLIENT, 4000), line(OTHER, 4000))
    story.kernel(connection((OTHER, 4000), NOON, id_=2))
    batch = story.end()
    assert sorted(zip(joins(batch), batch.flows.requests.tolist(), strict=True)) == [("exact", 1), ("partial", 2)]


def test_an_own_address_is_no_proof_of_a_process_of_this_node():
    """Another connection, of a client that this node translated, may be to a listener that nobody has named."""
    story = Story(node_ranges=[NODE])
    address = parse(NODE)
    assert address
    story.around = replace(story.around, own=frozenset({address}))
    story.kernel(connection((NODE, 4000), NOON, id_=1), connection((NODE, 4001), NOON, id_=2))
    story.tell(line(NODE, 4000), partial(NODE, 4001))
    batch = done(story)
    assert sorted(zip(joins(batch), flags(batch), strict=True)) == [("exact", []), ("partial", ["snat_elsewhere"])]


@pytest.mark.parametrize("text", [partial(CLIENT, ""), 'unmasq: {"source_ip": "198.51.100.10", "x-forwarded-for": "-"}'])
def test_a_source_without_a_port_joins_nothing(text):
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON))
    story.tell(text)
    batch = story.after(70)
    assert batch is not None, "nor does it wait"
    assert joins(batch) == ["unwitnessed"]
    assert story.counters.of("lines_partial") == 0


@pytest.mark.parametrize("own", [("-", 80), (PROXY, 0)])
def test_an_end_that_is_named_in_part_is_not_made_up(own):
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON))
    story.tell(line(CLIENT, 4000, own=own))
    assert sorted(joins(done(story))) == ["unlogged", "unwitnessed"]


def test_what_was_read_last_is_looked_for_at_the_end():
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON))
    story.tell(partial(CLIENT, 4000))
    assert joins(story.end()) == ["partial"]


def test_while_a_line_waits_its_trusted_source_names_no_client():
    story = Story(trust=[EDGE])
    story.kernel(connection((EDGE, 4000), NOON))
    story.tell(partial(EDGE, 4000, CLIENT))
    (provisional,) = story.open()
    assert clients(provisional) == [("", None, 1)]
    assert clients(done(story)) == [(CLIENT, "forwarded", 1)]


def test_too_many_waiting_lines_are_looked_for_before_they_are_given_up():
    story = Story(settings=WindowSettings(most_lines=10))
    story.kernel(*(connection((CLIENT, port), NOON, id_=port) for port in range(4000, 4020)))
    for port in range(4000, 4030):
        story.tell(partial(CLIENT, port))
    story.kernel()
    assert story.counters.of("window_gave_up_lines", "full") == 0
    batch = story.end()
    assert sorted(set(joins(batch))) == ["partial", "unwitnessed"]
    assert int(batch.flows.requests.sum()) == 30
