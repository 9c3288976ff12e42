"""Following: each flow is news once, its closing is news where changes are told."""

import msgspec
import pytest

from tests.contract import shop
from unmasq.keep.duck import DuckStore
from unmasq.model.filter import FlowFilter
from unmasq.serve.following import News


@pytest.fixture(scope="module")
def flows(tmp_path_factory):
    with DuckStore(shop.make_store(tmp_path_factory.mktemp("shop")), read_only=True) as store:
        return store.flows(FlowFilter()).flows


def opened(flow):
    return msgspec.structs.replace(flow, unmasq=msgspec.structs.replace(flow.unmasq, id="not yet", provisional=True))


def test_news_come_once_and_oldest_first(flows):
    news = News(tells_changes=False)
    assert news.of(flows[2:]) == flows[:1:-1]
    assert news.of(flows) == flows[1::-1]
    assert news.of(flows) == []


def test_an_open_flow_is_shown_once_and_not_again_when_it_closes(flows):
    news = News(tells_changes=False)
    assert news.of([opened(flows[0])]) == [opened(flows[0])]
    assert news.of([opened(flows[0])]) == []
    assert news.of([flows[0]]) == []


def test_where_changes_are_told_the_closed_flow_comes_too(flows):
    news = News(tells_changes=True)
    news.of([opened(flows[0])])
    assert news.of([flows[0]]) == [flows[0]]
    assert news.of([flows[0]]) == []


def test_what_no_look_brings_back_is_forgotten(flows):
    news = News(tells_changes=False)
    news.of(flows)
    news.forget(max(flow.end_time for flow in flows) * 1_000_000 + 1)
    assert news.of(flows[:1]) == flows[:1]
