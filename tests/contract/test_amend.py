"""Records that come after their flows were stored: the store is then as if they had come in time."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from msgspec import structs

from tests.property.test_remote import ingested, requests, trusts
from tests.story.elsewhere import record
from tests.story.traffic import CLIENT, EDGE, NODE, NOON, OTHER, SECOND
from unmasq.base.clock import DAY_US
from unmasq.join.remote import matched
from unmasq.keep.day.ageing import close_day
from unmasq.keep.duck import DuckStore
from unmasq.keep.remote.amend import amend, waiting_tuples
from unmasq.keep.remote.completing import complete
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter
from unmasq.model.flow import Flow
from unmasq.model.translation import Translations
from unmasq.unwind.trust import entry

RANGES = [parse_range("10.0.0.0/24")]


@contextmanager
def a_store(trust: list[str]) -> Iterator[DuckStore]:
    with tempfile.TemporaryDirectory() as folder, DuckStore(Path(folder)) as store:
        if trust:
            store.control.trust_add([entry("lb", text) for text in trust], NOON)
        yield store


def documents(store: DuckStore) -> list[Flow]:
    flows = store.flows(FlowFilter(), 1000).flows
    return sorted((structs.replace(flow, unmasq=structs.replace(flow.unmasq, id="")) for flow in flows), key=repr)


def index(store: DuckStore) -> list[tuple[object, ...]]:
    with store.view(FlowFilter()) as view:
        return sorted(view.ask(view.union("SELECT hi, lo, roles, flow, chain, requests, first_us, last_us FROM day.addresses")))


@settings(max_examples=10)
@given(requests, trusts)
@pytest.mark.parametrize("is_closed", [False, True])
def test_amended_flows_are_as_if_their_records_had_come_in_time(is_closed, asked, trust):
    _, batch = ingested(asked, trust, (NODE, 4000))
    records = record((CLIENT, 7000), NOON)
    with a_store(trust) as early, a_store(trust) as late:
        early.append(complete(batch, records, matched(batch.flows, records), RANGES, early.control.trust_list()))
        late.append(batch)
        if is_closed:
            close_day(late, NOON // DAY_US)
        assert [done.flows for done in amend(late, records, RANGES, late.days.days())] == [1]
        assert documents(late) == documents(early)
        assert index(late) == index(early)
        assert late.top(FlowFilter()) == early.top(FlowFilter())
        assert [done.flows for done in amend(late, records, RANGES, late.days.days())] == [0], "it is complete"


def test_records_of_others_or_of_another_time_change_nothing():
    _, batch = ingested([("1.1.1.1", "-")], [EDGE], (NODE, 4000))
    with a_store([EDGE]) as store:
        store.append(batch)
        before = documents(store), index(store)
        for other in (record((CLIENT, 7000), NOON, seen_as=(NODE, 4001)), record((OTHER, 7000), NOON - 90 * SECOND, NOON - 60 * SECOND)):
            assert sum(done.flows for done in amend(store, other, RANGES, store.days.days())) == 0
        assert sum(done.flows for done in amend(store, Translations.empty(), RANGES, store.days.days())) == 0
        assert list(amend(store, record((CLIENT, 7000), NOON), RANGES, [0])) == [], "none of these days has flows"
        assert (documents(store), index(store)) == before


def test_what_is_completed_is_never_completed_again():
    """Also where the source that the record names is a node's own address, so that the flag stays."""
    _, batch = ingested([("1.1.1.1", "-")], [EDGE], (NODE, 4000))
    with a_store([EDGE]) as store:
        store.append(batch)
        days = store.days.days()
        assert len(waiting_tuples(store, days[0])) == 1
        assert [done.flows for done in amend(store, record((NODE, 7000), NOON), RANGES, days)] == [1]
        before = documents(store), index(store)
        assert [done.flows for done in amend(store, record((CLIENT, 7000), NOON), RANGES, days)] == [0]
        assert len(waiting_tuples(store, days[0])) == 0
        assert (documents(store), index(store)) == before
