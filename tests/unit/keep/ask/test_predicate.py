from dataclasses import replace

import pytest

from tests.contract.traffic import MadeChain, MadeFlow, batch
from unmasq.base.errors import UsageError
from unmasq.keep.ask.predicate import compiled
from unmasq.keep.duck import DuckStore
from unmasq.model.filter import FlowFilter

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
