import pytest

from tests.contract.traffic import MadeChain, MadeFlow, batch
from unmasq.base.errors import UsageError
from unmasq.keep.ask import pages
from unmasq.keep.duck import DuckStore
from unmasq.model.filter import FlowFilter


@pytest.fixture
def store(tmp_path):
    with DuckStore(tmp_path) as store:
        yield store


def chains(count: int) -> tuple[MadeChain, ...]:
    return tuple(MadeChain((("x-forwarded-for", f"192.0.2.{number}"),)) for number in range(count))


def test_a_page_of_long_flows_is_shorter(store, monkeypatch):
    monkeypatch.setattr(pages, "MOST_CHAINS", 5)
    store.append(batch([MadeFlow(minute=-number, chains=chains(size)) for number, size in enumerate([2, 3, 1, 9, 9, 2])]))
    sizes, after = [], None
    while True:
        page = store.flows(FlowFilter(), limit=4, after=after)
        sizes.append([len(flow.unmasq.chains) for flow in page.flows])
        if (after := page.next) is None:
            break
    assert sizes == [[2, 3], [1], [9], [9], [2]]


def test_many_requests_of_one_chain_do_not_shorten_a_page(store, monkeypatch):
    monkeypatch.setattr(pages, "MOST_CHAINS", 5)
    store.append(batch([MadeFlow(minute=-number, chains=(MadeChain(requests=99),)) for number in range(4)]))
    assert len(store.flows(FlowFilter(), limit=4).flows) == 4


@pytest.mark.parametrize("key", ["", "1-2", "x-y-z", "1-2-3-4"])
def test_a_key_that_no_answer_gave_is_an_error(store, key):
    with pytest.raises(UsageError, match="not a key"):
        store.flows(FlowFilter(), after=key)


def test_older_days_are_not_opened_once_the_page_is_full(store):
    store.append(batch([MadeFlow(), MadeFlow(minute=1), MadeFlow(minute=-1)]))
    with store.view(FlowFilter()) as view:
        asked = []
        ask = type(view).ask

        class Watched(type(view)):  # type: ignore[misc]
            def ask(self, question, values=None):
                asked.append(question)
                return ask(self, question, values)

        page = pages.page(Watched(view.cursor, view.sources, view.trust_of), FlowFilter(), 1, None)
    assert len(page.flows) == 1
    assert not any("2024_10_03" in question for question in asked)


def test_an_empty_store_has_an_empty_page(store):
    page = store.flows(FlowFilter())
    assert (page.flows, page.next) == ([], None)
