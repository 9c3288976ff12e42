"""The waiting room, told as stories: who meets whom, when flows close, and what is never lost or counted twice."""

from tests.story.traffic import CLIENT, EDGE, FILE, GATEWAY, NODE, NOON, OTHER, SECOND, Story, connection, line
from unmasq.join.settings import WindowSettings
from unmasq.model.address import to_text
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.model.flowbatch import Evidence, Flag, FlowBatch, Join, Role

MINUTE = 60 * SECOND


def clients(batch: FlowBatch) -> list[tuple[str, str | None, int]]:
    """(client, evidence, requests) of each chain."""
    chains = batch.chains
    return sorted(
        (to_text(int(hi), int(lo)), Evidence(int(evidence)).label, int(requests))
        for hi, lo, evidence, requests in zip(chains.client_hi, chains.client_lo, chains.evidence, chains.requests, strict=True)
    )


def joins(batch: FlowBatch) -> list[str]:
    return [Join(int(value)).label for value in batch.flows.join]


def flags(batch: FlowBatch) -> list[list[str]]:
    return [Flag(int(value)).labels() for value in batch.flows.flags]


def test_a_line_finds_the_connection_that_came_before_it():
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON))
    story.tell(line(CLIENT, 4000))
    assert story.after(60) is None, "a joined flow lingers behind its interval"
    batch = story.after(10)
    assert batch is not None
    assert joins(batch) == ["exact"]
    assert clients(batch) == [(CLIENT, "observed", 1)]
    assert int(batch.flows.opened_us[0]) == NOON
    assert story.after(1000) is None, "nothing is told twice"


def test_a_line_waits_for_its_connection():
    story = Story()
    story.tell(line(CLIENT, 4000))
    assert story.after(30) is None
    story.kernel(connection((CLIENT, 4000), story.now, start=NOON, event=ConnectionEvent.DUMP))
    batch = story.after(50)
    assert batch is not None
    assert joins(batch) == ["exact"]


def test_a_translated_source_is_found_by_the_reply_and_the_client_is_the_kernels_original():
    story = Story(node_ranges=[GATEWAY])
    story.kernel(connection((CLIENT, 4000), NOON, seen_as=(GATEWAY, 44420), to=NODE))
    story.tell(line(GATEWAY, 44420))
    batch = story.after(70)
    assert batch is not None
    assert joins(batch) == ["nat"]
    assert clients(batch) == [(CLIENT, "observed", 1)]
    assert to_text(int(batch.flows.nat_hi[0]), int(batch.flows.nat_lo[0])) == CLIENT


def test_a_forged_header_through_the_masquerade_frames_nobody_while_its_range_is_wrongly_trusted():
    story = Story(trust=["10.0.0.0/8"])
    story.kernel(connection((CLIENT, 4000), NOON, seen_as=(GATEWAY, 44420), to=NODE))
    story.tell(line(GATEWAY, 44420, "1.1.1.1", "2.2.2.2"))
    batch = story.after(70)
    assert batch is not None
    assert clients(batch) == [(CLIENT, "observed", 1)]


def test_a_source_that_another_machine_translated_has_no_client_and_forwards_nothing():
    story = Story(trust=["10.0.0.0/8"], node_ranges=["10.0.0.0/24"])
    story.kernel(connection((NODE, 4000), NOON))
    story.tell(line(NODE, 4000, "1.1.1.1"))
    batch = story.after(70)
    assert batch is not None
    assert clients(batch) == [("", None, 1)]
    assert flags(batch) == [["snat_elsewhere"]]


def test_while_a_line_waits_its_trusted_source_names_no_client():
    story = Story(trust=["10.0.0.0/8"])
    story.tell(line(GATEWAY, 44420, "1.1.1.1"), line(CLIENT, 4000))
    (provisional,) = story.open()
    assert clients(provisional) == [("", None, 1), (CLIENT, "observed", 1)]
    story.kernel(connection((CLIENT, 4000), NOON, seen_as=(GATEWAY, 44420), to=NODE))
    (provisional,) = story.open()
    assert clients(provisional) == [(CLIENT, "observed", 1), (CLIENT, "observed", 1)]


def test_a_line_without_its_connection_waits_two_minutes():
    story = Story()
    story.tell(line(CLIENT, 4000))
    assert story.after(119) is None
    batch = story.after(1)
    assert batch is not None
    assert joins(batch) == ["unwitnessed"]
    assert clients(batch) == [(CLIENT, "observed", 1)]


def test_a_line_without_a_port_is_unwitnessed_at_once():
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON))
    story.tell(line(CLIENT, ""))
    batch = story.after(70)
    assert batch is not None
    assert joins(batch) == ["unwitnessed"]


def test_a_reused_port_is_told_apart_by_time():
    story = Story(node_ranges=[GATEWAY])
    seen_as = (GATEWAY, 44420)
    story.kernel(
        connection((CLIENT, 4000), NOON, id_=1, seen_as=seen_as),
        connection((CLIENT, 4000), NOON + SECOND, id_=1, seen_as=seen_as, event=ConnectionEvent.DESTROY, start=NOON, stop=NOON + SECOND),
        connection((OTHER, 5000), NOON + 5 * SECOND, id_=2, seen_as=seen_as),
    )
    story.now += 9 * SECOND
    story.tell(
        line(*seen_as, "second", at=NOON + 6 * SECOND, age=1.0),
        line(*seen_as, "first", at=NOON + SECOND // 2, age=0.5),
        line(*seen_as, "first too", at=NOON + SECOND),
    )
    batch = story.after(70)
    assert batch is not None
    assert clients(batch) == [(CLIENT, "observed", 1), (CLIENT, "observed", 1), (OTHER, "observed", 1)]
    assert len(batch) == 2


def test_of_two_starts_within_a_second_the_nearest_is_taken():
    story, seen_as = Story(), (GATEWAY, 44420)
    story.kernel(
        connection((CLIENT, 4000), NOON, id_=1, seen_as=seen_as), connection((OTHER, 5000), NOON + SECOND // 2, id_=2, seen_as=seen_as)
    )
    story.tell(
        line(*seen_as, at=NOON + SECOND, age=1.0), line(*seen_as, at=NOON + SECOND, age=0.4), line(*seen_as, at=NOON + SECOND, age=0.5)
    )
    assert clients(story.end()) == [(CLIENT, "observed", 1), (OTHER, "observed", 2)]


def test_a_connection_without_any_line_is_unlogged_with_an_observed_client():
    story = Story(trust=[EDGE])
    story.kernel(connection((CLIENT, 4000), NOON, id_=1), connection((EDGE, 4000), NOON, id_=2))
    assert story.after(119) is None
    batch = story.after(1)
    assert batch is not None
    assert joins(batch) == ["unlogged", "unlogged"]
    assert clients(batch) == [("", None, 0), (CLIENT, "observed", 0)]
    assert sorted(flags(batch)) == [[], ["obscured"]]
    assert story.after(1000) is None, "once is enough"


def test_a_line_after_its_flow_closed_makes_a_new_document_flagged_late():
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON))
    story.tell(line(CLIENT, 4000, at=NOON + SECOND))
    assert story.after(70) is not None
    story.tell(line(CLIENT, 4000, at=NOON + 2 * SECOND))
    batch = story.after(1)
    assert batch is not None
    assert flags(batch) == [["late"]]
    assert joins(batch) == ["exact"]


def test_each_interval_of_a_long_connection_is_a_flow_with_its_own_bytes():
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON))
    story.tell(line(CLIENT, 4000, at=NOON + SECOND), line(CLIENT, 4000, at=NOON + 61 * SECOND))
    story.kernel(connection((CLIENT, 4000), NOON + 5 * SECOND, start=NOON, event=ConnectionEvent.DUMP, counts=(100, 1000, 1, 10)))
    story.kernel(connection((CLIENT, 4000), NOON + 60 * SECOND, start=NOON, event=ConnectionEvent.DUMP, counts=(150, 1500, 2, 15)))
    story.kernel(connection((CLIENT, 4000), NOON + 65 * SECOND, start=NOON, event=ConnectionEvent.DUMP, counts=(200, 4000, 3, 40)))
    batch = story.after(130)
    assert batch is not None
    rows = sorted(zip(batch.flows.interval_start_us.tolist(), batch.flows.bytes_in.tolist(), batch.flows.bytes_out.tolist(), strict=True))
    assert rows == [(NOON, 150, 1500), (NOON + MINUTE, 50, 2500)]
    assert len({int(c) for c in batch.flows.connection}) == 1


def test_bytes_that_are_counted_after_the_flow_closed_go_to_a_later_interval():
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON))
    story.tell(line(CLIENT, 4000, at=NOON + SECOND))
    first = story.after(75)
    story.kernel(connection((CLIENT, 4000), story.now, start=NOON, event=ConnectionEvent.DUMP, counts=(100, 1000, 1, 10)))
    second = story.after(60)
    assert first is not None
    assert second is not None
    assert (first.flows.bytes_in.tolist(), second.flows.bytes_in.tolist()) == ([-1], [100])
    assert second.flows.interval_start_us.tolist() == [NOON + MINUTE]


def test_a_connection_from_before_our_time_is_neither_unlogged_nor_charged_with_old_bytes():
    story = Story()
    long_ago = NOON - 7200 * SECOND
    story.kernel(connection((CLIENT, 4000), NOON, start=long_ago, event=ConnectionEvent.DUMP, counts=(10_000, 10_000, 9, 9)))
    story.kernel(connection((CLIENT, 4000), NOON + 5 * SECOND, start=long_ago, event=ConnectionEvent.DUMP, counts=(10_000, 10_000, 9, 9)))
    assert story.after(200) is None


def test_a_connection_whose_end_was_lost_ends_when_two_dumps_do_not_show_it():
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON))
    story.tell(line(CLIENT, 4000, at=NOON + SECOND))
    story.kernel(dump_began=NOON + 5 * SECOND)
    story.kernel(dump_began=NOON + 10 * SECOND)
    batch = story.after(200)
    assert batch is not None
    assert batch.flows.closed_us.tolist() == [NOON + 10 * SECOND]
    assert len(story.desk.connections) == 0, "and is forgotten"


def test_a_live_line_without_a_time_is_no_later_than_the_end_of_its_connection():
    story = Story()
    story.kernel(connection((CLIENT, 4000), NOON))
    story.kernel(connection((CLIENT, 4000), NOON + SECOND, start=NOON, stop=NOON + SECOND, event=ConnectionEvent.DESTROY))
    story.now += 61 * SECOND
    story.tell(line(CLIENT, 4000))
    batch = story.after(70)
    assert batch is not None
    assert batch.flows.last_us.tolist() == [NOON + SECOND]
    assert batch.flows.interval_start_us.tolist() == [NOON]


def test_without_a_witness_nothing_waits():
    story = Story(witnessed=False, trust=[EDGE])
    story.tell(line(EDGE, 4000, "1.1.1.1, 198.51.100.10", at=NOON))
    batch = story.after(70)
    assert batch is not None
    assert joins(batch) == ["unwitnessed"]
    assert clients(batch) == [(CLIENT, "forwarded", 1)]


def test_a_time_in_the_future_is_replaced_by_the_time_of_reading_and_counted():
    story = Story(witnessed=False)
    story.tell(line(CLIENT, 4000, at=NOON + 86_400 * SECOND), line(CLIENT, 4000, at=NOON - 86_400 * SECOND))
    batch = story.end()
    assert sorted(batch.flows.last_us.tolist()) == [NOON - 86_400 * SECOND, NOON]
    assert story.counters.of("lines_time_replaced", "future") == 1


def test_too_many_waiting_lines_are_given_up_and_counted():
    story = Story(settings=WindowSettings(most_lines=10))
    for port in range(4000, 4030):
        story.tell(line(CLIENT, port))
    assert story.counters.of("window_gave_up_lines", "full") == 20
    assert int(story.end().chains.requests.sum()) == 30


def test_too_many_connections_are_dropped_and_counted():
    story = Story(settings=WindowSettings(most_connections=10))
    story.kernel(*(connection((CLIENT, port), NOON, id_=port) for port in range(4000, 4030)))
    assert story.counters.of("window_dropped_connections", "full") == 20


def ended(port: int, at: int) -> ConnectionBatch:
    return connection((CLIENT, port), at, id_=port, event=ConnectionEvent.DESTROY, start=at, stop=at + SECOND)


def test_where_connections_are_many_those_that_ended_and_had_their_lines_make_room_for_new_ones():
    story = Story(settings=WindowSettings(most_connections=40))
    for port in range(4000, 4020):
        story.kernel(ended(port, story.now))
        story.tell(line(CLIENT, port, at=story.now))
    story.kernel(*(connection((CLIENT, port), story.now, id_=port) for port in range(4020, 4040)))
    story.after(75)
    assert story.counters.of("window_forgotten_connections") == 10
    known = story.desk.connections.rows
    assert sorted(known.source_port[~known.is_gone].tolist()) == [*range(4010, 4040)], "the longest ended left first"
    story.kernel(*(connection((CLIENT, port), story.now, id_=port) for port in range(4040, 4050)))
    assert story.counters.of("window_dropped_connections", "full") == 0


def test_a_connection_whose_lines_are_here_or_are_still_to_come_makes_no_room():
    story = Story(settings=WindowSettings(most_connections=8))
    story.kernel(*(ended(port, story.now) for port in range(4000, 4008)))
    story.tell(*(line(CLIENT, port, at=story.now) for port in range(4000, 4004)))
    story.after(30)
    assert story.counters.of("window_forgotten_connections") == 0
    assert len(story.desk.connections) == 8


def test_every_address_of_a_line_is_indexed_in_its_roles():
    story = Story(trust=[EDGE])
    story.kernel(connection((EDGE, 4000), NOON))
    story.tell(line(EDGE, 4000, "1.1.1.1, 198.51.100.10", "2.2.2.2"))
    rows = story.end().addresses
    named = zip(rows.hi, rows.lo, rows.roles.tolist(), strict=True)
    found = {(to_text(int(hi), int(lo)), role.label) for hi, lo, roles in named for role in Role if roles & role.bit}
    assert found == {
        (CLIENT, "client"), (CLIENT, "claim"), ("1.1.1.1", "claim"), ("2.2.2.2", "claim"), ("2.2.2.2", "original_source"), (EDGE, "source"),
    }  # fmt: skip


def test_more_chains_than_a_flow_lists_are_summed_and_their_addresses_still_found():
    story = Story(trust=[EDGE])
    story.kernel(connection((EDGE, 4000), NOON))
    story.tell(*(line(EDGE, 4000, f"100.64.{n // 250}.{n % 250}", at=NOON + SECOND) for n in range(10_020)))
    batch = story.end()
    assert len(batch) == 1
    assert len(batch.chains) == 10_001
    assert int(batch.chains.requests.sum()) == 10_020
    assert Flag.OTHERS in Flag(int(batch.chains.flags.max()))
    assert int(((batch.addresses.roles & Role.CLIENT.bit) > 0).sum()) == 10_020
    assert batch.flows.originals.tolist() == [10_020]


def test_the_lines_of_a_batch_are_covered_to_the_byte():
    story = Story(witnessed=False)
    story.tell(line(CLIENT, 4000, at=NOON), "", "no line of ours", line(CLIENT, 4001, at=NOON + 60 * SECOND))
    batch = story.end()
    runs = sorted(zip(batch.lines.start.tolist(), batch.lines.end.tolist(), strict=True))
    covered = set().union(*(range(start, end) for start, end in runs))
    assert covered == set(range(story.offset))
    assert batch.files == [FILE]
    assert sorted((r.reason, r.count) for r in batch.rejected) == [(1, 1), (2, 1)]
