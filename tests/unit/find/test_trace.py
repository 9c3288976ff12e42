"""What the store says of an address, sorted by what can be known of it."""

import pytest

from tests.contract import shop
from tests.contract.traffic import MIDNIGHT_US, MINUTE_US, MadeFlow, batch
from unmasq.find.answer import Pointers
from unmasq.find.trace import trace
from unmasq.keep.ask import paths
from unmasq.keep.duck import DuckStore
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter
from unmasq.unwind.trust import TrustList, entry


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with DuckStore(shop.make_store(tmp_path_factory.mktemp("shop")), read_only=True) as opened:
        yield opened


@pytest.fixture
def ask(store):
    return lambda text, **wanted: trace(store, store.control.trust_list(), parse_range(text), FlowFilter(**wanted))


def roles(found):
    return {seen.role: seen.requests for seen in found.roles}


def test_a_client_is_told_by_its_evidence_and_no_request_twice(ask):
    found = ask(shop.CLIENT)
    assert found.found
    assert roles(found)["client"] == 314
    assert [(d.requests, d.seen_by, d.source, d.node) for d in found.direct] == [(14, "kernel", shop.TRANSLATION, "node-1")]
    assert [(f.requests, f.proxy, f.name, f.header) for f in found.forwarded] == [(300, shop.EDGE, "edge-lb", "x-forwarded-for")]
    assert [(c.requests, c.writer, c.name, c.headers) for c in found.claimed] == [(3, shop.FORGER, None, ["x-forwarded-for"])]
    assert (found.carried, found.logged, found.undeclared) == ([], 0, [])


def test_paths_run_from_left_to_right_most_requests_first(ask):
    found = ask(shop.CLIENT)
    assert [path.requests for path in found.paths] == [300, 14, 3]
    forwarded, _, claimed = found.paths
    assert [(hop.ip, hop.by, hop.name) for hop in forwarded.hops] == [
        (shop.CLIENT, "x-forwarded-for", None),
        (shop.EDGE, "kernel", "edge-lb"),
    ]
    assert (forwarded.dest, forwarded.dest_port, forwarded.claimed) == ("10.0.0.80", 80, None)
    assert [hop.ip for hop in claimed.hops] == [shop.FORGER]
    assert claimed.claimed == shop.CLIENT


def test_a_trusted_proxy_carries_others_and_is_client_of_its_own_checks(ask):
    found = ask(shop.EDGE)
    assert [(c.how, c.requests, c.name, c.clients) for c in found.carried] == [("proxy", 302, "edge-lb", 3), ("proxy", 5, "edge-lb", 0)]
    assert sum(part.requests for part in found.direct) == 2
    assert found.undeclared == []


def test_of_two_names_of_one_address_the_one_for_the_used_header_is_told(store):
    both = TrustList([entry("edge-lb", shop.EDGE), entry("edge-pp", shop.EDGE, "proxy-protocol")], 1)
    carrier, client = (trace(store, both, parse_range(text), FlowFilter()) for text in (shop.EDGE, shop.CLIENT))
    assert {(c.name, c.header) for c in carrier.carried if c.header} == {("edge-lb", "x-forwarded-for")}
    assert [(f.name, f.header) for f in client.forwarded] == [("edge-lb", "x-forwarded-for")]


def test_a_source_that_names_many_others_is_called_undeclared(ask):
    found = ask(shop.UNDECLARED)
    assert [(each.ip, each.claims) for each in found.undeclared] == [(shop.UNDECLARED, 39)]


def test_who_forwards_for_an_address_may_be_an_undeclared_proxy_itself(tmp_path):
    """A network in front of a balancer of which only the balancer was declared."""
    chains = tuple(shop.xff(f"198.51.100.{n}, 192.0.2.1") for n in range(30))
    with DuckStore(tmp_path) as store:
        store.control.trust_add(shop.TRUSTED, 1)
        store.append(batch([MadeFlow(source=shop.EDGE, chains=chains)], shop.TRUST))
        found = trace(store, store.control.trust_list(), parse_range("192.0.2.1"), FlowFilter())
        behind = trace(store, store.control.trust_list(), parse_range("198.51.100.7"), FlowFilter())
    assert [(each.ip, each.claims) for each in found.undeclared] == [("192.0.2.1", 30)]
    assert [(each.ip, each.claims) for each in behind.beside.undeclared] == [("192.0.2.1", 30)]


def test_nothing_is_pointed_at_beside_an_address_that_nobody_named(ask):
    assert ask(shop.FORGER).beside == ask("198.51.100.200").beside == Pointers([], [])


def test_a_translated_source_carries_the_client_behind_it(ask):
    found = ask(shop.TRANSLATION)
    assert [(c.how, c.requests, c.clients, c.name) for c in found.carried] == [("translation", 14, 1, None)]


def test_the_first_time_is_that_of_all_that_is_kept_whatever_the_window(ask):
    whole = ask(shop.CLIENT)
    later = ask(shop.CLIENT, since_us=MIDNIGHT_US + 5 * MINUTE_US)
    assert later.first_seen == whole.first_seen
    assert roles(later)["client"] == 150
    assert roles(whole)["client"] == 314


def test_an_unknown_address_still_tells_what_was_searched(ask):
    found = ask("198.51.100.200")
    assert not found.found
    assert (found.roles, found.paths, found.first_seen) == ([], [], None)
    assert (found.near.range, found.near.clients) == ("198.51.100.0/24", 3)
    assert found.data.flows == len(shop.FLOWS)
    assert found.data.rejects == {"injected": 3}


def test_a_range_lists_its_clients_instead_of_its_neighbours(ask):
    found = ask("198.51.100.0/24")
    assert found.near is None
    assert [(c.ip, c.requests) for c in found.clients] == [(shop.CLIENT, 314), (shop.FORGER, 3), ("198.51.100.77", 1)]
    assert sum(part.requests for part in found.claimed) == 3


def test_ipv6_has_its_64_as_neighbourhood(ask):
    assert ask(shop.LONG).near.range == "2001:db8:9:1::/64"


def test_a_verdict_whose_trust_list_is_lost_is_still_told(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(shop.shop())
        found = trace(store, store.control.trust_list(), parse_range(shop.CLIENT), FlowFilter())
    assert [(part.requests, part.proxy, part.name) for part in found.forwarded] == [(300, shop.EDGE, None)]


def test_requests_on_paths_that_are_too_many_are_said_to_be_missing(ask, monkeypatch):
    monkeypatch.setattr(paths, "MOST_SHAPES", 1)
    found = ask(shop.UNDECLARED)
    assert not found.complete
    assert found.unlisted == roles(found)["client"] - sum(path.requests for path in found.paths if path.role == "client")


@pytest.mark.parametrize("text", ["::/0", "::/64", "::/127", "0.0.0.0/0", "::ffff:0:0/96"])
def test_a_range_is_read_back_as_it_is_printed(text):
    assert parse_range(parse_range(text).text) == parse_range(text)


def test_no_address_of_ipv4_is_in_a_range_of_ipv6(ask):
    assert not ask("::/64").found
    assert {client.ip for client in ask("::/0").clients} == {client.ip for client in ask("2000::/3").clients} != set()
    assert {client.ip for client in ask("::ffff:0:0/96").clients} == {client.ip for client in ask("0.0.0.0/0").clients} != set()
