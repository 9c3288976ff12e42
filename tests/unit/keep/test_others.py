"""A chain that sums others: its index rows carry the figures of each address, not those of the sum."""

from dataclasses import replace

import numpy as np
import pytest

from tests.contract.traffic import MadeChain, MadeFlow, batch
from unmasq.keep.duck import DuckStore
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Flag, FlowBatch, Role
from unmasq.unwind.trust import TrustList, entry


def summed(made: FlowBatch, first: int) -> FlowBatch:
    """The batch with its chains from number `first` on summed in one, as the pipeline does beyond its bound."""
    of_chain = made.addresses.chain >= first
    kept = made.chains.take(np.arange(first + 1))
    kept.requests[first], kept.flags[first] = made.chains.requests[first:].sum(), int(Flag.OTHERS)
    kept.client_hi[first] = kept.client_lo[first] = kept.evidence[first] = 0
    asked = replace(made.asked, chain=np.minimum(made.asked.chain, first))
    return replace(made, chains=kept, asked=asked, addresses=replace(made.addresses, chain=np.where(of_chain, first, made.addresses.chain)))


@pytest.fixture
def store(tmp_path):
    chains = tuple(
        MadeChain((("x-forwarded-for", f"192.0.2.{number % 5}, 192.0.2.9{number}"),), requests=number + 1, paths=(f"/{number}",))
        for number in range(8)
    )
    with DuckStore(tmp_path) as store:
        store.append(summed(batch([MadeFlow(chains=chains)]), 2))
        yield store


def requests(store: DuckStore, text: str) -> dict[str, int]:
    return {span.role: span.requests for span in store.span(parse_range(text), FlowFilter())}


def test_an_address_has_its_own_requests(store):
    assert requests(store, "192.0.2.3")["claim"] == 4  # of the fourth chain alone
    assert requests(store, "192.0.2.2")["claim"] == 3 + 8  # of two chains that were summed in one
    assert requests(store, "192.0.2.1")["claim"] == 2 + 7  # of one that was kept and one that was not


def test_a_range_has_no_more_than_there_were(store):
    assert requests(store, "192.0.2.0/24")["claim"] == sum(range(1, 9))


def test_a_path_has_the_requests_of_the_address_and_nothing_that_others_asked_for(store):
    groups = {group.role: group for group in store.chains(parse_range("192.0.2.3"), FlowFilter())}
    assert (groups["claim"].requests, groups["claim"].flags, groups["claim"].paths) == (4, ["others"], [])
    assert groups["original_source"].requests == 4


def test_user_agents_that_others_sent_are_not_those_of_a_client(tmp_path):
    chains = tuple(MadeChain((("x-forwarded-for", f"192.0.2.{number}"),), agents=(f"agent/{number}",)) for number in range(4))
    trust = TrustList([entry("edge", "198.51.100.0/24")], 1)
    with DuckStore(tmp_path) as store:
        store.append(summed(batch([MadeFlow(chains=chains)], trust), 2))
        agents = [store.same_agent(parse_range(f"192.0.2.{number}")).agents for number in range(4)]
    assert agents == [["agent/0"], ["agent/1"], [], []]


def test_every_address_is_found_and_the_sum_is_marked(store):
    for number in range(8):
        (flow,) = store.flows(FlowFilter(claim=(f"192.0.2.9{number}",))).flows
        assert [chain.count_is_minimum for chain in flow.unmasq.chains] == [False, False, True]


def test_roles_of_the_whole_flow_are_whole(store):
    assert requests(store, "198.51.100.1")[Role.SOURCE.label] == sum(range(1, 9))
