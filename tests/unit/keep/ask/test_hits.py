"""The rows of the index that an address has: gathered once for all questions of one answer."""

import pytest

from tests.contract.traffic import MadeFlow, batch
from unmasq.keep.ask.hits import gather
from unmasq.keep.ask.sources import View
from unmasq.keep.duck import DuckStore
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Role

SOURCE = parse_range(MadeFlow().source)


@pytest.fixture
def view(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(batch([MadeFlow(), MadeFlow(), MadeFlow()]))
        with store.view(FlowFilter()) as view:
            yield view


def rows(view: View) -> int:
    [(count,)] = view.ask("SELECT count(*) FROM hits")
    return int(count)


def test_the_same_rows_are_not_gathered_twice(view, monkeypatch):
    gather(view, SOURCE)
    monkeypatch.setattr(View, "ask", None)
    assert gather(view, SOURCE).places == [0]


def test_fewer_of_them_or_those_of_other_roles_are(view):
    gather(view, SOURCE)
    found = rows(view)
    gather(view, SOURCE, most=1)
    assert rows(view) == 1 < found
    gather(view, SOURCE, roles=[Role.CLAIM])
    assert rows(view) == 0


def test_what_was_cut_is_not_taken_for_all(view):
    gather(view, SOURCE)
    found = rows(view)
    gather(view, SOURCE, most=1)
    gather(view, SOURCE)
    assert rows(view) == found
