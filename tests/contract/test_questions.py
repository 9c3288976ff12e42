"""What a store answers equals a plain look at every document."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.contract import plain
from tests.contract.stores import STORES, TRUST
from tests.contract.traffic import MIDNIGHT_US, MINUTE_US, MadeChain, MadeFlow, batch
from unmasq.keep.protocol import Store
from unmasq.keep.shapes import Lifetime
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter
from unmasq.model.flow import Flow
from unmasq.model.flowbatch import Flag, Join
from unmasq.model.ingress import TimeSource

ADDRESSES = ["198.51.100.1", "198.51.100.2", "203.0.113.9", "10.0.0.7", "2001:db8::1", "2001:db8:cd::5", "192.0.2.77"]
RANGES = [*ADDRESSES, "198.51.100.0/24", "2001:db8::/32", "2001:db8::/64", "0.0.0.0/0", "203.0.113.8/31"]
HOSTS = ["shop.example", "pay.example"]
PATHS = ["/", "/login", "/search", "/log"]
STATUSES = ["200", "404", "403", "502"]
SERVICES = ["shop/web:80", "pay"]
HEADERS = ["x-forwarded-for", "x-real-ip", "cf-connecting-ip"]

addresses = st.sampled_from(ADDRESSES)
some = st.sampled_from


def few(values):
    return st.lists(some(values), max_size=2, unique=True).map(tuple)


headers = st.fixed_dictionaries(
    {"x-forwarded-for": st.lists(some([*ADDRESSES, "unknown"]), max_size=3).map(lambda parts: ", ".join(parts) or "-")},
    optional={"x-real-ip": some([*ADDRESSES, "-"]), "cf-connecting-ip": addresses},
)
chains = st.builds(
    MadeChain,
    headers=headers.map(lambda values: tuple(values.items())),
    requests=st.integers(1, 5),
    at_us=st.integers(0, MINUTE_US - 1),
    hosts=few(HOSTS),
    paths=few(PATHS),
    statuses=few(STATUSES),
    services=few(SERVICES),
    flags=some([0, int(Flag.REJECTED)]),
)
flows = st.builds(
    MadeFlow,
    minute=st.integers(-3, 2),
    source=addresses,
    nat=some(["", "", *ADDRESSES]),
    dest=some(["10.0.0.80", "2001:db8::80"]),
    dest_port=some([80, 443]),
    pod=some(["", "shop/web-1", "shop/db", "pay/web-2"]),
    join=some([Join.EXACT, Join.NAT, Join.UNWITNESSED]),
    flags=some([0, 0, int(Flag.LATE), int(Flag.SNAT_ELSEWHERE), int(Flag.APPLICATION_BYTES)]),
    time_source=some(TimeSource),
    connection=st.integers(1, 3),
    chains=st.lists(chains, max_size=3, unique_by=lambda chain: chain.headers).map(tuple),
)
traffic = st.lists(st.lists(flows, min_size=1, max_size=4), min_size=1, max_size=3)
times = st.none() | st.integers(MIDNIGHT_US - 4 * MINUTE_US, MIDNIGHT_US + 4 * MINUTE_US)
excluded = st.lists(
    st.one_of(
        st.tuples(some(["client", "source", "original_source", "claim", "nat_source", "any", "via", "dest"]), some(RANGES)),
        st.tuples(st.just("status"), some(["404", "4xx"])),
        st.tuples(st.just("flag"), some(["late", "rejected", "all_trusted", "application_bytes"])),
        st.tuples(st.just("header"), some(HEADERS)),
        st.tuples(st.just("evidence"), some(["observed", "forwarded", "none"])),
        st.tuples(st.just("service"), some(SERVICES)),
        st.tuples(st.just("host"), some(HOSTS)),
        st.tuples(st.just("port"), some(["80", "443"])),
        st.tuples(st.just("to_namespace"), some(["shop", "p*"])),
    ).map("=".join),
    max_size=3,
).map(tuple)
filters = st.builds(
    FlowFilter,
    **dict.fromkeys(["client", "source", "original_source", "claim", "nat_source", "any", "via"], few(RANGES)),
    dest=few(["10.0.0.80", "2001:db8::/32"]),
    port=few([80, 443]),
    to_namespace=few(["shop", "p?y", "*", "web-1"]),
    to_pod=few(["web-*", "db", "*", "shop/web-1"]),
    evidence=few(["observed", "forwarded", "none"]),
    join=few(["exact", "nat", "unwitnessed"]),
    flag=few(["late", "rejected", "all_trusted", "header_conflict", "obscured", "snat_elsewhere", "application_bytes"]),
    host=few(HOSTS),
    path=few(["/", "/log", "/s"]),
    status=few(["404", "4xx", "2xx"]),
    service=few(SERVICES),
    header=few(HEADERS),
    exclude=excluded,
    since_us=times,
    until_us=times,
)
# A filter of all fields at once finds nothing, mostly: keep a few.
FIELDS = list(FlowFilter.__dataclass_fields__)
narrow = st.tuples(filters, st.lists(some(FIELDS), max_size=3)).map(
    lambda drawn: FlowFilter(**{name: getattr(drawn[0], name) for name in drawn[1]})
)

every_store = pytest.mark.parametrize("store", STORES.values(), ids=STORES)
few_examples = settings(max_examples=12)


def rendered(groups):
    batches, count = [], 0
    for group in groups:
        batches.append(batch(group, TRUST, first_id=count + 1, first_line=10 * count))
        count += len(group)
    return batches, [flow for group in groups for flow in group]


def everything(store: Store) -> list[Flow]:
    return store.flows(FlowFilter(), limit=1000).flows


@every_store
@few_examples
@given(groups=traffic, wanted=st.lists(narrow, min_size=1, max_size=8))
def test_a_filter_lets_through_what_a_plain_look_at_the_documents_would(store, groups, wanted):
    batches, _ = rendered(groups)
    with store(batches) as kept:
        documents = everything(kept)
        assert len(documents) == sum(map(len, batches))
        for each in wanted:
            assert kept.flows(each, limit=1000).flows == [flow for flow in documents if plain.lets_through(flow, each)]


@every_store
@few_examples
@given(groups=traffic, wanted=st.lists(narrow, min_size=1, max_size=4), asked=st.lists(some(RANGES), min_size=1, max_size=4))
def test_a_span_is_a_plain_sum_over_the_documents(store, groups, wanted, asked):
    batches, written = rendered(groups)
    with store(batches) as kept:
        documents = everything(kept)
        for each in wanted:
            for text in asked:
                found = {s.role: (s.requests, s.connections, s.flows, s.first_us, s.last_us) for s in kept.span(parse_range(text), each)}
                assert found == plain.span(documents, written, parse_range(text), each)


@every_store
@few_examples
@given(groups=traffic, asked=st.lists(some(RANGES), min_size=1, max_size=3))
def test_a_lifetime_is_from_the_first_to_the_last_of_all_roles(store, groups, asked):
    batches, written = rendered(groups)
    with store(batches) as kept:
        documents = everything(kept)
        for text in asked:
            roles = plain.span(documents, written, parse_range(text), FlowFilter()).values()
            firsts, lasts = ([int(str(role[at])) for role in roles if role[at] is not None] for at in (3, 4))
            assert kept.lifetime(parse_range(text)) == Lifetime(min(firsts, default=None), max(lasts, default=None))


@every_store
@few_examples
@given(groups=traffic, wanted=st.lists(narrow, min_size=1, max_size=2), asked=st.lists(some(RANGES), min_size=1, max_size=3))
def test_paths_are_those_of_the_documents(store, groups, wanted, asked):
    batches, written = rendered(groups)
    with store(batches) as kept:
        documents = everything(kept)
        for each in wanted:
            for text in asked:
                found = kept.chains(parse_range(text), each)
                assert len({plain.drawn(group)[0] for group in found}) == len(found)
                assert dict(map(plain.drawn, found)) == plain.paths(documents, written, parse_range(text), each)
                assert [group.requests for group in found] == sorted((group.requests for group in found), reverse=True)
                assert kept.chains(parse_range(text), each, limit=2) == found[:2]


@every_store
@few_examples
@given(groups=traffic, limit=st.integers(1, 5))
def test_pages_put_together_are_everything_once_newest_first(store, groups, limit):
    batches, _ = rendered(groups)
    with store(batches) as kept:
        pages = [kept.flows(FlowFilter(), limit=limit)]
        while pages[-1].next is not None:
            pages.append(kept.flows(FlowFilter(), limit=limit, after=pages[-1].next))
        together = [flow for page in pages for flow in page.flows]
        assert together == everything(kept)
        assert all(len(page.flows) == limit for page in pages[:-1])
        assert sorted(together, key=lambda flow: (flow.start_time, flow.unmasq.id), reverse=True) == together
        assert len({flow.unmasq.id for flow in together}) == sum(map(len, batches))
