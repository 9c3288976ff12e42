"""Who in a range was a client, and how much a path claims beyond its hops, equal a plain look at the documents."""

from collections import Counter

import hypothesis.strategies as st
from hypothesis import given

from tests.contract import plain
from tests.contract.test_questions import RANGES, every_store, everything, few_examples, narrow, rendered, some, traffic
from tests.contract.traffic import MadeChain, MadeFlow, batch
from unmasq.model.address import parse, parse_range
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Role


@every_store
@few_examples
@given(groups=traffic, wanted=st.lists(narrow, min_size=1, max_size=3), asked=some(RANGES))
def test_clients_of_a_range_are_a_plain_count(store, groups, wanted, asked):
    batches, _ = rendered(groups)
    address = parse_range(asked)
    with store(batches) as kept:
        documents = everything(kept)
        for each in wanted:
            expected: Counter[str | None] = Counter()
            for flow in documents:
                for chain in plain.matching(flow, each):
                    if plain.inside(plain.pairs([chain.client]), [address]):
                        expected[chain.client] += chain.requests
            found = kept.clients(address, each)
            assert {client.ip: client.requests for client in found} == expected
            assert [c.requests for c in found] == sorted(expected.values(), reverse=True)
            assert kept.clients(address, each, limit=1) == found[:1]


@every_store
@few_examples
@given(groups=traffic, asked=some(RANGES))
def test_a_path_counts_the_addresses_that_nobody_walked_to(store, groups, asked):
    batches, _ = rendered(groups)
    with store(batches) as kept:
        named = {claim for flow in everything(kept) for chain in flow.unmasq.chains for claim in plain.of_chain(chain)[Role.CLAIM]}
        for group in kept.chains(parse_range(asked), FlowFilter()):
            walked = {parse(hop.ip) for hop in group.hops if hop.ip}
            assert 0 <= group.claims <= len(named - walked)
            assert group.role != "claim" or group.claims > 0 or parse(group.address) in walked


@every_store
def test_who_sends_the_same_user_agent_is_counted(store):
    sent = [
        ("192.0.2.1", ("curl/8", "scanner"), 0), ("192.0.2.2", ("scanner",), 0), ("192.0.2.3", ("Mozilla",), 0),
        ("192.0.2.4", ("curl/8",), 1), ("192.0.2.4", ("scanner",), 2), ("192.0.2.5", (), 3),
    ]  # fmt: skip
    flows = [MadeFlow(source=source, minute=minute, chains=(MadeChain(agents=agents),)) for source, agents, minute in sent]
    with store([batch(flows[:4]), batch(flows[4:], first_id=5, first_line=4)]) as kept:
        alike = {source: kept.same_agent(parse_range(source)) for source, _, _ in sent}
        assert (alike["192.0.2.1"].agents, alike["192.0.2.1"].clients) == (["curl/8", "scanner"], 2)
        assert (alike["192.0.2.3"].agents, alike["192.0.2.3"].clients) == (["Mozilla"], 0)
        assert (alike["192.0.2.5"].agents, alike["192.0.2.5"].clients) == ([], 0)
        assert kept.same_agent(parse_range("192.0.2.1"), limit=1).clients == 1
        assert kept.same_agent(parse_range("192.0.2.99")).agents == []
