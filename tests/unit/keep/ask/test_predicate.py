from dataclasses import replace

import pytest

from tests.contract.traffic import MadeChain, MadeFlow, batch
from unmasq.base.errors import UsageError
from unmasq.keep.ask import passed
from unmasq.keep.ask.predicate import compiled
from unmasq.keep.duck import DuckStore
from unmasq.model.filter import FlowFilter
from unmasq.unwind.trust import entry

HOSTILE = "x' OR 1=1 -- $p0 {0} day.flows BELOW"


def filter_of(field: str, *values: str) -> FlowFilter:
    return replace(FlowFilter(), **{field: values})  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path):
    with DuckStore(tmp_path) as store:
        headers = (("x-forwarded-for", "192.0.2.1"),)
        store.append(
            batch([MadeFlow(nat="192.0.2.2", chains=(MadeChain(headers, hosts=(HOSTILE,), paths=("/100%_x",), statuses=("404",)),))])
        )
        yield store


@pytest.mark.parametrize("field", ["host", "path", "status"])
def test_a_value_is_never_part_of_the_sql(field):
    made = compiled(filter_of(field, HOSTILE))
    assert HOSTILE not in made.flows()
    assert HOSTILE in made.values.values()


def test_hostile_values_are_only_values(store):
    assert len(store.flows(FlowFilter(host=(HOSTILE,))).flows) == 1
    assert store.flows(FlowFilter(host=("x",))).flows == []
    assert len(store.flows(FlowFilter(path=("/100%",))).flows) == 1
    assert store.flows(FlowFilter(path=("/1__%",))).flows == []


@pytest.mark.parametrize(
    ("field", "chain"),
    [("host", MadeChain(paths=("/",))), ("path", MadeChain(statuses=("200",))), ("status", MadeChain(hosts=("a.example",)))],
)
def test_what_the_log_did_not_say_is_no_text_to_ask_for(tmp_path, field, chain):
    with DuckStore(tmp_path) as store:
        store.append(batch([MadeFlow(chains=(chain,))]))
        assert store.flows(filter_of(field, "")).flows == []


@pytest.mark.parametrize(
    "wanted", [FlowFilter(join=("sometimes",)), FlowFilter(evidence=("rumour",)), FlowFilter(flag=("red",)), FlowFilter(client=("nobody",))]
)
def test_what_no_flow_can_have_is_an_error(wanted):
    with pytest.raises(UsageError):
        compiled(wanted)


def test_an_unknown_word_comes_with_the_known_ones():
    with pytest.raises(UsageError, match="remote-nat, partial"):
        compiled(FlowFilter(join=("sometimes",)))


@pytest.mark.parametrize("role", ["client", "source", "original_source", "claim", "nat_source", "any"])
def test_addresses_are_found_by_the_index_alone(store, role):
    wanted = filter_of(role, "192.0.2.0/24", "198.51.100.1")
    assert len(store.flows(wanted).flows) == 1
    with store.changing(store.days.days()[0]) as cursor:
        cursor.execute("DELETE FROM day_2024_10_04.addresses")
    assert store.flows(wanted).flows == []
    assert len(store.flows(FlowFilter(status=("4xx",), dest=("10.0.0.80",))).flows) == 1


def test_a_flow_without_requests_is_found_by_its_own_addresses(store):
    silent = batch([MadeFlow(source="192.0.2.77", chains=())], first_id=2)
    store.append(silent)
    for wanted in (FlowFilter(source=("192.0.2.77",)), FlowFilter(any=("192.0.2.77",))):
        (flow,) = store.flows(wanted).flows
        assert (flow.unmasq.chains, flow.unmasq.clients, flow.original_source_ips) == ([], [], None)


@pytest.mark.parametrize(
    ("exclude", "words"),
    [("clint=10.0.0.1", "did you mean client?"), ("client", "no FIELD=VALUE"), ("since_us=1", "known are"), ("exclude=a=b", "known are"),
     ("port=x", "not a number"), ("client=x", "not an address"), ("header=cookie", "x-real-ip")],
)  # fmt: skip
def test_what_cannot_be_left_out_says_what_can(exclude, words):
    with pytest.raises(UsageError, match=words):
        compiled(FlowFilter(exclude=(exclude,)))


def test_values_are_bounded():
    compiled(FlowFilter(client=("10.0.0.1",) * 200))
    for wanted in (FlowFilter(client=("10.0.0.1",) * 201), FlowFilter(exclude=("port=1",) * 201)):
        with pytest.raises(UsageError, match="at most 200"):
            compiled(wanted)


def test_a_text_that_has_no_bytes_is_asked_for_as_it_is_stored(store):
    assert store.flows(FlowFilter(host=("\udc80",), path=("\x00",))).flows == []


BY_TWO = (("x-forwarded-for", "192.0.2.9, 192.0.2.5, 198.51.100.7, 10.0.0.3, 10.0.0.2"),)


@pytest.mark.parametrize(
    ("proxy", "count"), [("10.0.0.1", 1), ("10.0.0.2", 1), ("10.0.0.3", 1), ("10.0.0.0/24", 1), ("198.51.100.7", 0), ("192.0.2.5", 0)]
)
@pytest.mark.parametrize("at_once", [1, 50_000])
def test_only_proxies_that_the_walk_passed_are_ways(tmp_path, monkeypatch, proxy, count, at_once):
    """192.0.2.5 is trusted, but named by somebody who is not; 198.51.100.7 is the client."""
    monkeypatch.setattr(passed, "AT_ONCE", at_once)
    with DuckStore(tmp_path) as store:
        store.control.trust_add([entry("lb", "10.0.0.0/24"), entry("old", "192.0.2.5")], 1)
        made = [MadeFlow(source="10.0.0.1", port=port, chains=(MadeChain(BY_TWO),)) for port in (1, 2)]
        store.append(batch(made, store.control.trust_list()))
        assert len(store.flows(FlowFilter(via=(proxy,))).flows) == 2 * count
        assert len(store.flows(FlowFilter(exclude=(f"via={proxy}",))).flows) == 2 - 2 * count
        assert store.flows(FlowFilter(claim=(proxy,), via=("203.0.113.1",))).flows == []
