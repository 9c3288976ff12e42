"""A client behind another node's masquerade: its flow is stored at once, and completed as soon as that node's record is sure."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.contract.traffic import MadeFlow, batch
from tests.story.elsewhere import record
from tests.story.remote_server import RemoteServer, telling
from tests.story.traffic import CLIENT, NODE, NOON, OTHER, SECOND, Story, connection, line
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Flag, FlowBatch

SEEN_AS = (NODE, 4000)
LATER = NOON + 70 * SECOND


@pytest.fixture
def server() -> Iterator[RemoteServer]:
    with RemoteServer(LATER) as started:
        yield started


def flows(*, witnessed: bool = True, seen_as: tuple[str, int] = SEEN_AS) -> FlowBatch:
    """A flow of a masqueraded client with a forged header, and one of a client that came directly."""
    story = Story(node_ranges=[NODE], witnessed=witnessed)
    if witnessed:
        story.kernel(connection(seen_as, NOON), connection((OTHER, 5000), NOON, id_=2))
    story.tell(line(*seen_as, "1.1.1.1", at=NOON), line(OTHER, 5000, at=NOON))
    done = story.after(70)
    assert done is not None
    return done


def told(server: RemoteServer) -> tuple[str, str | None, str | None, list[str]]:
    """(join, client, NAT source, flags) of the masqueraded flow."""
    (flow,) = server.store.flows(FlowFilter(source=(NODE,)), 10).flows
    (chain,) = flow.unmasq.chains
    return flow.unmasq.join, chain.client, flow.unmasq.nat_source_ip, flow.unmasq.flags


KNOWN: tuple[str, str | None, str | None, list[str]] = ("remote-nat", CLIENT, CLIENT, [])
UNKNOWN: tuple[str, str | None, str | None, list[str]] = ("exact", None, None, ["snat_elsewhere"])


def test_without_a_record_a_flow_is_stored_at_once_as_it_is(server):
    server.take(flows())
    assert told(server) == UNKNOWN
    assert server.counts() == {"without": 1}


def test_a_record_that_has_settled_completes_a_flow_before_it_is_stored(server):
    server.take(telling(record((CLIENT, 7000), NOON)))
    server.after(10)
    server.take(flows())
    assert told(server) == KNOWN
    assert server.counts() == {"at_once": 1}


@pytest.mark.parametrize("record_first", [True, False])
def test_a_record_that_has_just_come_is_used_once_no_better_one_can_come_any_more(server, record_first):
    batches = [telling(record((CLIENT, 7000), NOON)), flows()]
    server.take(*(batches if record_first else batches[::-1]))
    server.after(9.9)
    assert told(server) == UNKNOWN
    server.after(3)
    assert told(server) == KNOWN
    assert server.counts() == {"without": 1, "amended": 1}


def test_records_and_flows_may_come_in_one_batch_and_the_batch_may_come_again(server):
    batch = replace(flows(), translations=record((CLIENT, 7000), NOON))
    server.take(batch, batch)
    server.settle()
    server.take(batch)
    server.settle()
    assert told(server) == KNOWN
    assert server.counts() == {"without": 1, "amended": 1}


def test_a_server_that_was_started_anew_knows_which_flows_wait_and_hears_the_records_again(server):
    server.take(flows(), telling(record((CLIENT, 7000), NOON)))
    server.restart()
    server.settle()
    assert told(server) == UNKNOWN
    server.take(telling(record((CLIENT, 7000), NOON)))
    server.settle()
    assert told(server) == KNOWN


def test_a_used_port_is_told_apart_by_time(server):
    server.take(flows())
    server.take(telling(record((OTHER, 7000), NOON - 30 * SECOND, NOON - 10 * SECOND)), telling(record((OTHER, 7000), NOON + 40 * SECOND)))
    server.settle()
    assert told(server) == UNKNOWN
    server.take(telling(record((CLIENT, 7000), NOON - SECOND // 2)))
    server.settle()
    assert told(server) == KNOWN


def test_a_record_of_which_nothing_is_known_since_gives_no_later_flow_its_client(server):
    """The one that has the port now may be somebody else, whose record is still on its way."""
    server.take(telling(record((OTHER, 7000), NOON - 60 * SECOND, seen=NOON - 30 * SECOND)))
    server.take(flows())
    server.settle()
    assert told(server) == UNKNOWN
    server.take(telling(record((OTHER, 7000), NOON - 60 * SECOND, NOON - 20 * SECOND)), telling(record((CLIENT, 7000), NOON)))
    server.settle()
    assert told(server) == KNOWN


def test_records_of_two_sources_that_fit_equally_well_give_no_client_until_more_is_known(server):
    server.take(flows(), telling(record((CLIENT, 7000), NOON)), telling(record((OTHER, 7000), NOON)))
    server.settle()
    assert told(server) == UNKNOWN


def test_two_records_of_one_source_are_one_connection_told_by_two_processes(server):
    server.take(flows(witnessed=False), telling(record((CLIENT, 7000), NOON - 9 * SECOND, seen=NOON)))
    server.take(telling(record((CLIENT, 7000), NOON - 9 * SECOND + 50, seen=NOON + SECOND)))
    server.settle()
    assert told(server) == KNOWN


def test_beyond_the_bound_the_oldest_flows_get_no_record_any_more_and_are_counted():
    with RemoteServer(LATER, most_waiting=1) as server:
        server.take(flows(), flows(seen_as=(NODE, 4001)))
        assert server.counters.of("remote_forgotten", "flows") == 1
        server.take(telling(record((CLIENT, 7000), NOON)), telling(record((OTHER, 7000), NOON, seen_as=(NODE, 4001))))
        server.settle()
        found = {flow.source_port: flow.unmasq.join for flow in server.store.flows(FlowFilter(source=(NODE,)), 10).flows}
        assert found == {4000: "exact", 4001: "remote-nat"}
        server.restart()
        assert server.counters.of("remote_forgotten", "flows") == 1


def test_listeners_of_which_no_node_is_told_any_more_are_counted(server):
    many = [MadeFlow(source=NODE, dest=f"10.244.{number // 250}.{number % 250 + 1}", flags=Flag.SNAT_ELSEWHERE) for number in range(1001)]
    server.take(batch(many))
    assert server.counters.of("remote_forgotten", "listeners") == 1
    assert server.counters.of("remote_forgotten", "flows") == 0


def test_a_client_that_was_translated_once_more_stays_unknown_and_is_completed_once(server):
    server.take(flows(), telling(record((NODE, 7000), NOON)))
    server.settle()
    assert told(server) == ("remote-nat", None, NODE, ["snat_elsewhere"])
    before = server.index()
    server.take(telling(record((NODE, 7000), NOON, NOON + 2 * SECOND)), telling(record((CLIENT, 7000), NOON)))
    server.settle()
    assert (told(server), server.index()) == (("remote-nat", None, NODE, ["snat_elsewhere"]), before)
    assert server.counts() == {"without": 1, "amended": 1}


@pytest.mark.parametrize(("start", "client"), [(NOON - 5 * SECOND, CLIENT), (NOON + SECOND // 2, None)])
def test_lines_without_a_connection_get_the_only_record_that_fits(server, start, client):
    """An earlier record of the tuple, whose end was lost, fits no more where the port was used again well before the line."""
    server.take(flows(witnessed=False))
    server.take(telling(record((OTHER, 7000), NOON - 30 * SECOND, seen=NOON)), telling(record((CLIENT, 7000), start, seen=NOON + SECOND)))
    server.settle()
    assert told(server) == (KNOWN if client else ("unwitnessed", None, None, ["snat_elsewhere"]))


def test_a_connection_that_is_seen_again_later_gives_its_later_lines_their_client(server):
    server.take(flows(witnessed=False), telling(record((CLIENT, 7000), NOON - 59 * SECOND)))
    server.settle()
    assert told(server)[0] == "unwitnessed"
    server.take(telling(record((CLIENT, 7000), NOON - 59 * SECOND, seen=NOON + SECOND)))
    server.settle()
    assert told(server) == KNOWN
