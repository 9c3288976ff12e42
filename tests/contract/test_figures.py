"""Histogram, facets, ranking, nodes and rejects equal a plain look at the documents."""

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from tests.contract import plain
from tests.contract.stores import TRUST
from tests.contract.test_questions import every_store, everything, few_examples, narrow, rendered, some, traffic
from tests.contract.traffic import MIDNIGHT_US, MINUTE_US, MadeChain, MadeFlow, batch
from unmasq.base.clock import DAY_US
from unmasq.base.errors import UsageError
from unmasq.keep.ask import facets, series
from unmasq.keep.shapes import COUNTED, Bucket, NodeFlows, RejectSample
from unmasq.model.address import parse, to_text
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Rejected, Role
from unmasq.model.ingress import Reject, TimeSource

WINDOW = st.tuples(*[st.integers(MIDNIGHT_US - 4 * MINUTE_US, MIDNIGHT_US + 4 * MINUTE_US)] * 2)
CLOSE = (MIDNIGHT_US - 4 * MINUTE_US, MIDNIGHT_US + 4 * MINUTE_US)
KINDS = ("observed", "forwarded", "logged", None)


def buckets(documents, wanted, width_us):
    found: defaultdict[int, Counter[str | None]] = defaultdict(Counter)
    for flow in documents:
        for chain in plain.matching(flow, wanted):
            if wanted.since_us <= plain.micros(chain.first) < wanted.until_us:
                found[plain.micros(chain.first) // width_us][chain.evidence] += chain.requests
    numbers = range(wanted.since_us // width_us, -(-wanted.until_us // width_us))
    return [Bucket(number * width_us, *(found[number][kind] for kind in KINDS)) for number in numbers]


@every_store
@few_examples
@given(groups=traffic, wanted=st.lists(narrow, min_size=1, max_size=3), window=WINDOW, width=some([1_000_000, MINUTE_US, 3600 * 1_000_000]))
def test_a_histogram_counts_the_requests_of_each_stretch_of_time(store, groups, wanted, window, width):
    batches, _ = rendered(groups)
    with store(batches) as kept:
        documents = everything(kept)
        for each in wanted:
            closed = replace(each, since_us=window[0], until_us=window[1])
            found = kept.histogram(closed, width)
            assert (found.width_us, found.buckets) == (width, buckets(documents, closed, width))


@pytest.mark.parametrize(
    ("wanted", "width", "words"),
    [(FlowFilter(), 1, "of which time"), (FlowFilter(since_us=0, until_us=5), 0, "no width"), (FlowFilter(until_us=5), 1, "of which time"),
     (FlowFilter(since_us=0, until_us=series.MOST_BUCKETS + 1), 1, "at most 2000"),
     (FlowFilter(since_us=0, until_us=1 << 60), 1_000_000, "at most 2000")],
)  # fmt: skip
@every_store
def test_a_histogram_is_bounded(store, wanted, width, words):
    with store([]) as kept:
        with pytest.raises(UsageError, match=words):
            kept.histogram(wanted, width)
        assert len(kept.histogram(FlowFilter(since_us=0, until_us=series.MOST_BUCKETS), 1).buckets) == series.MOST_BUCKETS
        assert kept.histogram(FlowFilter(since_us=5, until_us=4), 1).buckets == []


def values(chain, flow, field):
    """The values of a facet that a chain of a flow has."""
    own = [flag for flag in flow.unmasq.flags if flag in plain.OF_FLOWS]
    pod = flow.dest_type == "wep"
    return {
        "client": [chain.client], "source": [flow.source_ip], "nat_source": [flow.unmasq.nat_source_ip], "dest": [flow.dest_ip],
        "port": [str(flow.dest_port)], "to_namespace": [flow.dest_namespace] if pod else [], "to_pod": [flow.dest_name] if pod else [],
        "evidence": [chain.evidence or "none"], "join": [flow.unmasq.join], "flag": [*chain.flags, *own], "host": chain.hosts,
        "path": chain.paths, "status": list(chain.statuses), "service": chain.services,
    }[field]  # fmt: skip


def counted(documents, wanted, field):
    found: Counter[str] = Counter()
    for flow in documents:
        for chain in plain.matching(flow, wanted):
            found.update(dict.fromkeys((value for value in values(chain, flow, field) if value), chain.requests))
    return found


@every_store
@few_examples
@given(groups=traffic, wanted=st.lists(narrow, min_size=1, max_size=3), fields=st.lists(some(COUNTED), max_size=5, unique=True))
def test_facets_count_the_requests_of_each_value(store, groups, wanted, fields):
    batches, _ = rendered(groups)
    with store(batches) as kept:
        documents = everything(kept)
        for each in wanted:
            let_through = [flow for flow in documents if plain.lets_through(flow, each)]
            found = kept.facets(each, fields, 1000, 60)
            assert (found.counted, found.complete) == (len(let_through), True)
            assert found.since_us == min((flow.start_time * 1_000_000 for flow in let_through), default=None)
            assert [facet.field for facet in found.facets] == fields
            for facet in found.facets:
                assert {value.value: value.requests for value in facet.values} == counted(documents, each, facet.field)
                assert [v.requests for v in facet.values] == sorted((v.requests for v in facet.values), reverse=True)
                assert not facet.more
            for few, all_of_them in zip(kept.facets(each, fields, 1, 60).facets, found.facets, strict=True):
                assert (few.values, few.more) == (all_of_them.values[:1], len(all_of_them.values) > 1)


@every_store
@pytest.mark.parametrize("piece", [1, 2, 25_000])
def test_facets_without_time_are_those_of_the_newest_flows(store, monkeypatch, piece):
    monkeypatch.setattr(facets, "PIECE", piece)
    made = [MadeFlow(minute=minute, source=f"192.0.2.{minute + 10}") for minute in range(-3, 3)]
    with store([batch(made)]) as kept:
        found = kept.facets(FlowFilter(), ["client"], 10, 0)
        counted = {value.value for value in found.facets[0].values}
        assert counted == {f"192.0.2.{number}" for number in range(13 - len(counted), 13)}, "the newest ones"
        assert (found.counted, found.complete) == (len(counted), len(counted) == 6)
        assert found.since_us == MIDNIGHT_US + (3 - len(counted)) * MINUTE_US
        assert len(counted) >= min(piece, 3)
        assert kept.facets(FlowFilter(), ["client"], 10, 60).counted == 6


@every_store
def test_what_is_no_facet_is_an_error(store):
    with store([]) as kept:
        with pytest.raises(UsageError, match="to_namespace"):
            kept.facets(FlowFilter(), ["colour"])
        assert kept.facets(FlowFilter(), ["client"]).complete


def ranked(documents, written, wanted, role):
    """ip -> requests, flows, bytes, first, last, evidence, whether it is new."""
    hits, before = defaultdict(list), set()
    for flow in documents:
        for chain in flow.unmasq.chains or [None]:
            first = plain.first_us(chain, flow) if role in (Role.CLIENT, Role.CLAIM, Role.ORIGINAL_SOURCE) else plain.times(flow)[0]
            if wanted.since_us is not None and first < wanted.since_us:
                before |= plain.roles_of(chain, flow).get(role, set())
        for chain in plain.parts(flow, wanted):
            for pair in plain.roles_of(chain, flow).get(role, set()):
                hits[pair].append((chain, flow))
    return {to_text(*pair): _figures(each, written, is_old=wanted.since_us is None or pair in before) for pair, each in hits.items()}


def _figures(hits, written, *, is_old):
    chains = [chain for chain, _ in hits if chain]
    known = [chain.bytes_out for chain in chains if chain.bytes_out is not None]
    timed = any(plain.made(flow, written).time_source != TimeSource.READ for _, flow in hits)
    return (
        sum(chain.requests for chain in chains),
        len({flow.unmasq.id for _, flow in hits}),
        sum(known) if known else None,
        min(plain.first_us(chain, flow) for chain, flow in hits),
        max(plain.last_us(chain, flow) for chain, flow in hits),
        [kind for kind in KINDS if kind and kind in {chain.evidence for chain in chains}],
        timed and not is_old,
    )


@every_store
@few_examples
@given(
    groups=traffic,
    wanted=st.lists(narrow, min_size=1, max_size=3),
    window=st.tuples(*[st.none() | some(range(-4, 4))] * 2),
    role=some(Role),
)
def test_who_had_most_requests_and_who_is_new(store, groups, wanted, window, role):
    batches, written = rendered(groups)
    times: dict[str, Any] = {
        f"{name}_us": None if minute is None else MIDNIGHT_US + minute * MINUTE_US
        for name, minute in zip(("since", "until"), window, strict=True)
    }
    with store(batches) as kept:
        documents = everything(kept)
        for each in [FlowFilter(**times), *wanted]:
            expected = ranked(documents, written, each, role)
            _compare(kept.top(each, role.label, 1000), expected)
            if each.since_us is not None:
                _compare(kept.top(each, role.label, 1000, only_new=True), {ip: figures for ip, figures in expected.items() if figures[-1]})
            assert kept.top(each, role.label, 2).ranked == kept.top(each, role.label, 1000).ranked[:2]


def _compare(found, expected):
    figures = {r.ip: (r.requests, r.flows, r.bytes_out, r.first_us, r.last_us, r.evidence, r.is_new) for r in found.ranked}
    assert figures == expected
    assert (found.addresses, found.requests) == (len(expected), sum(requests for requests, *_ in expected.values()))
    assert [r.ip for r in found.ranked] == sorted(expected, key=lambda ip: (-expected[ip][0], parse(ip)))


@every_store
def test_a_ranking_by_no_role_or_of_new_ones_of_no_time_is_an_error(store):
    with store([]) as kept:
        with pytest.raises(UsageError, match="original_source"):
            kept.top(FlowFilter(), "colour")
        with pytest.raises(UsageError, match="new since when"):
            kept.top(FlowFilter(), only_new=True)
        assert (kept.top(FlowFilter()).ranked, kept.top(FlowFilter()).addresses) == ([], 0)


@every_store
@pytest.mark.parametrize(("since", "until"), [(None, None), (-30, None), (None, 30), (-30, 30), (-22, -3), (-1, 1), (3, 30)])
def test_hours_of_closed_days_are_as_their_chains(store, since, until):
    """Three days with a flow an hour: what is rolled up, what lies at the edges of the window, and what came behind."""
    made = [
        MadeFlow(minute=60 * hour + 7, source=f"192.0.2.{hour % 5 + 1}", port=hour + 100, chains=(MadeChain(requests=hour + 50),))
        for hour in range(-40, 40)
    ]
    late = [MadeFlow(minute=60 * hour, source="192.0.2.1", chains=(MadeChain(),)) for hour in (-30, -2, 5)]
    written = [*made, *late]
    wanted = FlowFilter(
        since_us=None if since is None else MIDNIGHT_US + since * 60 * MINUTE_US,
        until_us=None if until is None else MIDNIGHT_US + until * 60 * MINUTE_US,
    )
    with store([batch(made), batch(late, first_id=len(made) + 1, first_line=1000)]) as kept:
        _compare(kept.top(wanted, "client", 1000), ranked(everything(kept), written, wanted, Role.CLIENT))


@every_store
def test_each_node_has_its_figures(store):
    made = [MadeFlow(minute=minute, chains=(MadeChain(requests=3),)) for minute in (-2, 1)]
    with store([batch(made), batch(made[:1], node="node-2", first_id=3), batch([], node="node-3")]) as kept:
        older, newer = MIDNIGHT_US - 2 * MINUTE_US, MIDNIGHT_US + MINUTE_US
        assert [each for each in kept.node_flows() if each.flows] == [
            NodeFlows("node-1", 2, 6, 6, newer, older),
            NodeFlows("node-2", 1, 3, 3, older, older),
        ]


@every_store
def test_rejects_come_with_the_newest_sample(store):
    today = MIDNIGHT_US // DAY_US
    rejected = [(-1, Reject.INJECTED, 1, "a"), (0, Reject.INJECTED, 1, "b"), (0, Reject.INJECTED, 3, "c"), (0, Reject.UNQUOTED, 9, "d")]
    batches = [batch([], rejected=[Rejected(today + day, int(reason), count, text)]) for day, reason, count, text in rejected]
    with store(batches) as kept:
        assert kept.rejects() == [RejectSample("unquoted", 9, "d"), RejectSample("injected", 5, "c")]


@every_store
def test_trusted_hops_are_no_clients_and_a_histogram_tells_whom_they_forwarded(store):
    with store([batch([MadeFlow(source="203.0.113.9", chains=(MadeChain((("x-forwarded-for", "192.0.2.1"),)),))], TRUST)]) as kept:
        (bucket,) = kept.histogram(FlowFilter(since_us=MIDNIGHT_US, until_us=MIDNIGHT_US + MINUTE_US), MINUTE_US).buckets
        assert (bucket.forwarded, bucket.observed) == (1, 0)
        assert [each.ip for each in kept.top(FlowFilter()).ranked] == ["192.0.2.1"]
