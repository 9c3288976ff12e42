"""Ingest without trust, add trust, rejudge = ingest with trust."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import given

from tests.contract.stores import NOW_US, TRUST, TRUSTED
from tests.contract.test_questions import ADDRESSES, everything, few_examples, some, traffic
from tests.contract.traffic import MIDNIGHT_US, MadeChain, MadeFlow, batch
from unmasq.keep.day.ageing import close_days
from unmasq.keep.day.rejudge import rejudge
from unmasq.keep.day.texts import LONG_CHARACTERS
from unmasq.keep.duck import DuckStore
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Flag
from unmasq.unwind.trust import TrustList, entry

BEFORE = [TrustList(), TrustList([entry("wrong", "198.51.100.0/24"), entry("edge", "203.0.113.0/24", "x-real-ip")])]


@contextmanager
def a_store() -> Iterator[DuckStore]:
    with tempfile.TemporaryDirectory() as folder, DuckStore(Path(folder)) as store:
        yield store


def index_of(store: DuckStore) -> list[tuple[object, ...]]:
    with store.view(FlowFilter()) as view:
        return sorted(view.ask(view.union("SELECT PLACE, * FROM day.addresses")))


@few_examples
@given(groups=traffic, before=some(BEFORE), closed=st.booleans())
def test_rejudged_flows_are_as_if_they_had_come_under_the_present_list(groups, before, closed):
    with a_store() as early, a_store() as late:
        early.control.trust_add(TRUSTED, NOW_US)
        count = 0
        for group in groups:
            early.append(batch(group, TRUST, first_id=count + 1))
            late.append(batch(group, before, first_id=count + 1))
            count += len(group)
        if closed:
            assert list(close_days(late)) == late.days.days()[1:]
        late.control.trust_add(TRUSTED, NOW_US)
        assert late.health().judged_by_older == count
        done = list(rejudge(late))
        assert sum(progress.flows for progress in done) == count
        assert [progress.day for progress in done] == late.days.days()
        assert everything(late) == everything(early)
        assert index_of(late) == index_of(early)
        assert late.health() == early.health()
        assert late.top(FlowFilter(), limit=1000) == early.top(FlowFilter(), limit=1000)
        for text in ADDRESSES:
            assert late.span(parse_range(text), FlowFilter()) == early.span(parse_range(text), FlowFilter())


def test_headers_of_any_length_are_judged_each_by_its_own_text():
    sent = [*[f"198.51.100.{number}" for number in range(5)], f"{'192.0.2.77, ' * 60}198.51.100.9"]  # the last one is a long text
    assert len(sent[-1]) > LONG_CHARACTERS
    flow = MadeFlow(source="203.0.113.9", chains=tuple(MadeChain((("x-forwarded-for", text),)) for text in reversed(sent)))
    with a_store() as store:
        store.append(batch([flow]))
        store.control.trust_add(TRUSTED, NOW_US)
        list(rejudge(store))
        chains = everything(store)[0].unmasq.chains
        via = [each.unmasq.chains for each in store.flows(FlowFilter(via=("203.0.113.9",), header=("x-forwarded-for",))).flows]
    ends = {text.split(", ")[-1] for text in sent}
    assert {chain.client for chain in chains} == ends
    assert all(chain.headers["x-forwarded-for"][-1] == chain.client for chain in chains)
    assert via == [chains]


def test_what_others_summed_up_stays_as_it_came():
    summed = MadeFlow(source="203.0.113.9", chains=(MadeChain((("x-forwarded-for", "192.0.2.1"),)), MadeChain(flags=int(Flag.OTHERS))))
    with a_store() as store:
        store.append(batch([summed]))
        others = everything(store)[0].unmasq.chains[1]
        store.control.trust_add(TRUSTED, NOW_US)
        list(rejudge(store))
        chains = everything(store)[0].unmasq.chains
        assert chains[0].client == "192.0.2.1"
        assert (chains[1].client, chains[1].evidence, chains[1].flags) == (others.client, others.evidence, others.flags)


def test_since_leaves_older_days_alone():
    with a_store() as store:
        store.append(batch([MadeFlow(minute=minute, source="203.0.113.9") for minute in (-1, 1)]))
        store.control.trust_add(TRUSTED, NOW_US)
        assert [progress.flows for progress in rejudge(store, since_us=MIDNIGHT_US)] == [1]
        assert store.health().judged_by_older == 1
        assert [flow.unmasq.trust_version for flow in everything(store)] == [1, 0]
