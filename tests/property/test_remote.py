"""Another node's records as a law: no flow gets two, none is invented, order does not matter, and what follows is exact."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.story.elsewhere import record
from tests.story.traffic import CLIENT, EDGE, NODE, NOON, OTHER, PROXY, SECOND, Story, connection, line
from unmasq.join.connections import TUPLE, tuples
from unmasq.join.remote import APART_US, matched, merged
from unmasq.keep.remote.completing import complete
from unmasq.model.flowbatch import Flag, FlowBatch, FlowColumns, Join
from unmasq.model.translation import Translations

PORTS = [4000, 4001]
seconds = st.integers(0, 20)
known = st.builds(
    lambda client, port, seen, start, length, is_open: record(
        (client, port), NOON + start * SECOND, 0 if is_open else NOON + (start + length) * SECOND,
        seen_as=(NODE, seen), seen=NOON + (start + length) * SECOND,
    ),
    st.sampled_from([CLIENT, OTHER]), st.integers(7000, 7002), st.sampled_from(PORTS), seconds, st.integers(0, 5), st.booleans(),
)  # fmt: skip
records_of = st.lists(known, max_size=8)


@st.composite
def flows_of(draw) -> FlowColumns:
    """Flows of few tuples at few times: flagged or not, with a connection, open or closed, or with lines alone."""
    count = draw(st.integers(0, 6))
    opened = np.array([draw(seconds) for _ in range(count)], "i8") * SECOND + NOON
    length = np.array([draw(st.integers(0, 5)) for _ in range(count)], "i8") * SECOND
    is_open, is_witnessed = (np.array([draw(st.booleans()) for _ in range(count)], "?") for _ in range(2))
    flags = np.array([draw(st.sampled_from([0, Flag.SNAT_ELSEWHERE, Flag.SNAT_ELSEWHERE | Flag.APPLICATION_BYTES])) for _ in range(count)])
    seen = record((CLIENT, 1), 0)
    ends = {name: getattr(seen, name)[0] for name in TUPLE}
    ends["source_port"] = np.array([draw(st.sampled_from(PORTS)) for _ in range(count)], "u2")
    return FlowColumns.filled(
        count, **ends, first_us=opened, last_us=opened + length, flags=flags,
        opened_us=np.where(is_witnessed, opened, 0), closed_us=np.where(is_witnessed & ~is_open, opened + length, 0),
        join=np.where(is_witnessed, int(Join.EXACT), int(Join.UNWITNESSED)),
    )  # fmt: skip


def told(flows: FlowColumns, records: Translations) -> dict[int, tuple[int, ...]]:
    """Row of a flow -> its record."""
    found = matched(flows, records)
    assert len(set(found.flows.tolist())) == len(found.flows), "no flow gets two records"
    rows = records.take(found.records)
    return dict(zip(found.flows.tolist(), zip(*(c.tolist() for c in rows.as_dict().values()), strict=True), strict=True))


@given(flows_of(), records_of, st.randoms(use_true_random=False))
def test_a_record_is_of_the_same_tuple_and_time_and_order_does_not_matter(flows, several, random):
    records = merged(Translations.concat(several))
    found = matched(flows, records)
    assert ((flows.flags[found.flows] & Flag.SNAT_ELSEWHERE) > 0).all()
    for mine, theirs in zip(tuples(flows.take(found.flows)), tuples(records.take(found.records)), strict=True):
        assert (mine == theirs).all()
    chosen, of_them = flows.take(found.flows), records.take(found.records)
    assert (of_them.start_us <= np.maximum(chosen.closed_us, chosen.last_us) + 20 * SECOND * (chosen.closed_us == 0) + APART_US).all()
    known_until_us = np.where(of_them.end_us > 0, of_them.end_us, of_them.seen_us)
    assert (known_until_us >= chosen.first_us - APART_US).all()

    random.shuffle(several)
    order = list(range(len(flows)))
    random.shuffle(order)
    again = told(flows.take(np.array(order, "i8")), merged(Translations.concat([*several, *several])))
    assert {order[row]: which for row, which in again.items()} == told(flows, records)


HEADERS = ["-", "1.1.1.1", f"6.6.6.6, {OTHER}", "garbage"]
requests = st.lists(st.tuples(st.sampled_from(HEADERS), st.sampled_from(HEADERS)), min_size=1, max_size=5)
trusts = st.sampled_from([[], [EDGE], [CLIENT], ["10.0.0.0/8", "198.51.100.0/24"]])


def ingested(
    asked: Sequence[tuple[str, str]], trust: Sequence[str], opener: tuple[str, int], own: tuple[str, int] | None = (PROXY, 80)
) -> tuple[Story, FlowBatch]:
    story = Story(trust=trust, node_ranges=["10.0.0.0/24"])
    story.kernel(connection(opener, NOON, seen_as=(NODE, 4000)), connection((OTHER, 5000), NOON, id_=2))
    story.tell(*(line(NODE, 4000, *headers, own=own) for headers in asked), line(OTHER, 5000, "2.2.2.2"))
    story.kernel()
    batch = story.after(70)
    assert batch is not None
    return story, batch


def derived(batch: FlowBatch) -> tuple[object, ...]:
    """All that is not minted anew, rows of the index in any order; `exact` flows that were completed are `nat` there."""
    flows = batch.flows.as_dict() | {"join": np.where(batch.flows.join == Join.REMOTE_NAT, int(Join.NAT), batch.flows.join)}
    left_out = ("id_hi", "id_lo")
    rows = sorted(zip(*(c.tolist() for c in batch.addresses.as_dict().values()), strict=True))
    return {n: c.tolist() for n, c in flows.items() if n not in left_out}, {n: c.tolist() for n, c in batch.chains.as_dict().items()}, rows


@given(requests, trusts, st.sampled_from([(CLIENT, 7000), (EDGE, 7000), (NODE, 7000)]), st.sampled_from([(PROXY, 80), None]))
def test_what_follows_from_a_record_is_what_follows_from_a_join(asked, trust, opener, own):
    """Also where the lines do not name their own end, and the join stays `partial`."""
    _, ours = ingested(asked, trust, opener, own)
    story, theirs = ingested(asked, trust, (NODE, 4000), own)
    assert (int(Join.PARTIAL) in theirs.flows.join.tolist()) == (own is None)
    records = record(opener, NOON)
    found = matched(theirs.flows, records)
    assert len(found.flows) == 1
    assert derived(complete(theirs, records, found, story.around.node_ranges, story.trust)) == derived(ours)
