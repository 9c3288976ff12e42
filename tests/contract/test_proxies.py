"""Who behaves like a proxy, and for whom proxies spoke, equals a plain look at the documents."""

from collections import Counter, defaultdict

from hypothesis import given

from tests.contract import plain
from tests.contract.stores import TRUST
from tests.contract.test_questions import every_store, everything, few_examples, rendered, traffic
from tests.contract.traffic import MadeChain, MadeFlow, batch
from unmasq.keep.ask import proxies
from unmasq.keep.day.texts import LONG_CHARACTERS
from unmasq.keep.shapes import Bearer, Proxies, Relay
from unmasq.model.address import parse


def looked_at(documents) -> Proxies:
    requests: Counter[str] = Counter()
    claims: defaultdict[str, plain.Addresses] = defaultdict(set)
    relayed: defaultdict[str, Counter[str]] = defaultdict(Counter)
    chains = [chain for flow in documents for chain in flow.unmasq.chains]
    for chain in (chain for chain in chains if chain.client):
        requests[chain.client] += chain.requests
        claims[chain.client] |= plain.claims(chain) - {parse(chain.client)}
        if chain.evidence == "forwarded":
            relayed[chain.observed][chain.client] += chain.requests
    bearers = [Bearer(client, requests[client], len(names)) for client, names in claims.items() if names]
    relays = [Relay(proxy, by.total(), *min(by.items(), key=lambda item: (-item[1], parse(item[0])))) for proxy, by in relayed.items()]
    return Proxies(
        len(chains),
        sorted(bearers, key=lambda each: (-each.claims, each.ip)),
        sorted(relays, key=lambda each: (-each.requests, parse(each.ip))),
    )


@every_store
@few_examples
@given(groups=traffic)
def test_bearers_and_relays_are_those_of_the_documents(store, groups):
    batches, _ = rendered(groups)
    with store(batches) as kept:
        assert kept.proxies() == looked_at(everything(kept))


@every_store
def test_only_so_many_chains_are_looked_at_and_those_are_the_newest(store):
    flows = [
        MadeFlow(minute=minute, source=source, chains=(MadeChain((("x-forwarded-for", f"192.0.2.{minute + 4}"),)),))
        for source, minute in [("198.51.100.1", -3), ("198.51.100.1", -2), ("198.51.100.2", 0), ("198.51.100.2", 1)]
    ]
    with store([batch(flows[:2]), batch(flows[2:], first_id=3, first_line=2)]) as kept:
        assert [(each.ip, each.claims) for each in kept.proxies(1).bearers] == [("198.51.100.2", 1)]
        assert [(each.ip, each.claims) for each in kept.proxies(3).bearers] == [("198.51.100.2", 2), ("198.51.100.1", 1)]
        assert [kept.proxies(most).chains for most in (0, 1, 3, 100)] == [0, 1, 3, 4]


@every_store
def test_headers_of_any_length_name_somebody(store):
    short, long = "192.0.2.1, 198.51.100.9", ", ".join(f"192.0.2.{n}" for n in range(1, 61))
    assert len(long) > LONG_CHARACTERS
    flow = MadeFlow(source="198.51.100.2", chains=tuple(MadeChain((("x-forwarded-for", text),)) for text in (short, long)))
    with store([batch([flow])]) as kept:
        assert kept.proxies() == looked_at(everything(kept))
        assert [each.claims for each in kept.proxies().bearers] == [61]


@every_store
def test_many_of_either_are_cut_to_those_that_tell_most(store):
    asked = [(("x-forwarded-for", f"198.51.100.{n}, 192.0.2.{n}"),) for n in range(1, 61)]
    flows = [
        *(MadeFlow(source=f"203.0.113.{n}", port=n, chains=(MadeChain(asked[n - 1], requests=n),)) for n in range(1, 61)),
        MadeFlow(source="198.51.100.200", port=99, chains=tuple(MadeChain(header) for header in asked)),
    ]
    with store([batch(flows, TRUST)]) as kept:
        found = kept.proxies()
        assert [(each.ip, each.client, each.client_requests) for each in found.relays] == [
            (f"203.0.113.{n}", f"192.0.2.{n}", n) for n in range(60, 60 - proxies.MOST_LISTED, -1)
        ]
        assert (len(found.bearers), found.bearers[0]) == (proxies.MOST_LISTED, Bearer("198.51.100.200", 60, 120))
