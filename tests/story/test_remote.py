"""A client behind another node's masquerade: held until that node's record comes, and then known as if it were our own."""

import pytest

from tests.story.elsewhere import record
from tests.story.test_join import clients, flags, joins
from tests.story.traffic import CLIENT, NODE, NOON, OTHER, SECOND, Story, connection, line
from unmasq.base.telemetry import Counters
from unmasq.join.held import HeldFlows, HoldSettings
from unmasq.join.outgoing import Outgoing
from unmasq.join.records import Records, RecordSettings
from unmasq.keep.completing import complete
from unmasq.model.address import to_text
from unmasq.model.connection import ConnectionEvent
from unmasq.model.flowbatch import FlowBatch

SEEN_AS = (NODE, 4000)
LATER = NOON + 70 * SECOND


class Server:
    """The waiting room of a server, with the flows of one node."""

    def __init__(self, settings: HoldSettings | None = None) -> None:
        self.counters = Counters()
        self.room = HeldFlows(self.counters, Records(self.counters), settings or HoldSettings())
        self.story = Story(node_ranges=[NODE])

    def flows(self) -> FlowBatch:
        """A flow of a masqueraded client with a forged header, and one of a client that came directly."""
        self.story.kernel(connection(SEEN_AS, NOON), connection((OTHER, 5000), NOON, id_=2))
        self.story.tell(line(*SEEN_AS, "1.1.1.1"), line(OTHER, 5000))
        batch = self.story.after(70)
        assert batch is not None
        return batch

    def released(self, seconds: float) -> list[FlowBatch]:
        found = self.room.release(LATER + int(seconds * SECOND))
        return [complete(each, self.story.around.node_ranges, self.story.trust) for each in found]


def told(batch: FlowBatch) -> tuple[list[str], list[tuple[str, str | None, int]], list[list[str]]]:
    return joins(batch), clients(batch), flags(batch)


def test_only_flows_of_another_nodes_translation_wait():
    server = Server()
    batch = server.flows()
    at_once = server.room.take(batch, LATER)
    assert told(at_once) == (["exact"], [(OTHER, "observed", 1)], [[]])
    assert at_once.lines is batch.lines
    assert len(server.room) == 1


@pytest.mark.parametrize("record_first", [True, False])
def test_the_record_gives_the_client_whichever_comes_first(record_first):
    server = Server()
    batch = server.flows()
    if record_first:
        server.room.hear(record((CLIENT, 7000), NOON), LATER)
    server.room.take(batch, LATER)
    if not record_first:
        server.room.hear(record((CLIENT, 7000), NOON), LATER)
    assert server.released(9) == []
    (done,) = server.released(10)
    assert told(done) == (["remote-nat"], [(CLIENT, "observed", 1)], [[]])
    assert to_text(int(done.flows.nat_hi[0]), int(done.flows.nat_lo[0])) == CLIENT
    assert (int(done.flows.nat_port[0]), int(done.flows.opened_us[0])) == (7000, NOON)
    assert server.counters.of("remote_completed") == 1
    assert len(server.room) == 0


def test_without_a_record_a_flow_goes_after_two_minutes_as_it_is():
    server = Server()
    server.room.take(server.flows(), LATER)
    assert server.released(119) == []
    (done,) = server.released(120)
    assert told(done) == (["exact"], [("", None, 1)], [["snat_elsewhere"]])
    assert server.counters.of("remote_gave_up", "late") == 1


def test_too_many_flows_send_the_oldest_away():
    server = Server(HoldSettings(most_flows=1))
    server.room.take(server.flows(), LATER)
    server.room.take(server.flows(), LATER)
    (done,) = server.released(0)
    assert told(done)[2] == [["snat_elsewhere"]]
    assert len(server.room) == 1
    assert server.counters.of("remote_gave_up", "full") == 1


def test_a_used_port_is_told_apart_by_time():
    server = Server()
    server.room.take(server.flows(), LATER)
    server.room.hear(record((OTHER, 7000), NOON - 30 * SECOND, NOON - 10 * SECOND), LATER)
    server.room.hear(record((OTHER, 7000), NOON + 40 * SECOND), LATER)
    assert server.released(10) == []
    server.room.hear(record((CLIENT, 7000), NOON - SECOND // 2), LATER)
    (done,) = server.released(11)
    assert clients(done) == [(CLIENT, "observed", 1)]


def test_two_records_that_fit_equally_well_give_no_client():
    server = Server()
    server.room.take(server.flows(), LATER)
    server.room.hear(record((CLIENT, 7000), NOON), LATER)
    server.room.hear(record((OTHER, 7000), NOON), LATER)
    (done,) = server.released(120)
    assert told(done) == (["exact"], [("", None, 1)], [["snat_elsewhere"]])


def test_a_client_that_was_translated_once_more_stays_unknown():
    server = Server()
    server.room.take(server.flows(), LATER)
    server.room.hear(record(SEEN_AS, NOON), LATER)
    (done,) = server.released(10)
    assert told(done) == (["remote-nat"], [("", None, 1)], [["snat_elsewhere"]])


def test_a_record_that_comes_too_late_is_told_so_that_stored_flows_can_be_amended():
    server = Server()
    late, known = record((CLIENT, 7000), NOON), record((CLIENT, 7001), LATER)
    assert len(server.room.hear(late, LATER)) == 0
    assert len(server.room.hear(known, LATER)) == 0
    assert len(server.room.hear(record((CLIENT, 7001), LATER, LATER + SECOND), LATER + 200 * SECOND)) == 0, "only its end is new"
    assert len(server.room.hear(record((CLIENT, 7002), LATER), LATER + 200 * SECOND)) == 1


def test_records_are_bounded_and_forgotten():
    counters = Counters()
    records = Records(counters, RecordSettings(most=2))
    for number in range(70):
        records.add(record((CLIENT, 7000), NOON + number, NOON + number + 1))
    assert len(records.rows) == 2
    assert counters.of("translations_dropped") == 68
    records.forget(NOON + 301 * SECOND)
    assert len(records.rows) == 0


def test_a_node_tells_of_each_translation_once_when_it_begins_and_once_when_it_ends():
    outgoing = Outgoing(Counters())
    new, dump, gone = (
        connection((CLIENT, 7000), at, event=event, seen_as=SEEN_AS, to=NODE, start=NOON, stop=stop)
        for at, event, stop in (
            (NOON, ConnectionEvent.NEW, 0),
            (NOON + SECOND, ConnectionEvent.DUMP, 0),
            (NOON + 9 * SECOND, ConnectionEvent.DESTROY, NOON + 8 * SECOND),
        )
    )
    assert len(outgoing.take(connection((CLIENT, 7000), NOON))) == 0, "this one is not translated"
    first = outgoing.take(new)
    assert [c.tolist() for c in first.as_dict().values()] == [c.tolist() for c in record((CLIENT, 7000), NOON).as_dict().values()]
    assert len(outgoing.take(dump)) == 0
    assert len(outgoing.open()) == 1
    assert outgoing.take(gone).end_us.tolist() == [NOON + 8 * SECOND]
    assert len(outgoing) == 0


def test_a_node_remembers_a_bounded_number_of_translations():
    counters = Counters()
    outgoing = Outgoing(counters, most=1)
    for number in (1, 2):
        outgoing.take(connection((CLIENT, 7000 + number), NOON, id_=number, seen_as=(NODE, 4000 + number), to=NODE))
    assert len(outgoing) == 1
    assert counters.of("translations_dropped", "full") == 1


@pytest.mark.parametrize(("start", "client"), [(NOON - 5 * SECOND, CLIENT), (NOON + SECOND // 2, None)])
def test_lines_without_a_connection_get_the_only_record_that_fits(start, client):
    """An earlier record of the tuple, whose end was lost, fits no more where the port was used again well before the line."""
    server = Server()
    server.story = Story(node_ranges=[NODE], witnessed=False)
    server.story.tell(line(*SEEN_AS, at=NOON))
    batch = server.story.after(70)
    assert batch is not None
    server.room.take(batch, LATER)
    server.room.hear(record((OTHER, 7000), NOON - 30 * SECOND), LATER)
    server.room.hear(record((CLIENT, 7000), start), LATER)
    (done,) = server.released(120)
    assert joins(done) == ["remote-nat" if client else "unwitnessed"]
    assert clients(done) == [(client or "", "observed" if client else None, 1)]
