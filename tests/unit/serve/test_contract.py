"""The query string is the filter, and says where it is wrong."""

from dataclasses import fields
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from tests.contract.test_questions import filters
from unmasq.base.errors import StoreError
from unmasq.model.filter import FlowFilter
from unmasq.serve.contract import InvalidRequest, body_of, filter_of, problem, query_of

NOW = 1_795_492_620_000_000


@given(filters)
def test_a_filter_comes_back_from_its_query(wanted):
    assert filter_of(query_of(wanted), NOW) == wanted


@given(filters, st.randoms())
def test_the_order_of_different_names_does_not_matter(wanted, random):
    query = query_of(wanted)
    names = list(dict.fromkeys(name for name, _ in query))
    random.shuffle(names)
    assert filter_of([pair for name in names for pair in query if pair[0] == name], NOW) == wanted


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ([("original-source", "10.0.0.1")], FlowFilter(original_source=("10.0.0.1",))),
        ([("original_source_ip", "10.0.0.1")], FlowFilter(original_source=("10.0.0.1",))),
        ([("port", "80"), ("port", "443")], FlowFilter(port=(80, 443))),
        ([("last", "1m")], FlowFilter(since_us=NOW - 60_000_000)),
        ([("until", "1m")], FlowFilter(until_us=NOW - 60_000_000)),
        ([("x", "client=10.0.0.1"), ("exclude", "status=4xx")], FlowFilter(exclude=("client=10.0.0.1", "status=4xx"))),
    ],
)
def test_names_and_times_as_people_write_them(query, wanted):
    assert filter_of(query, NOW) == wanted


@pytest.mark.parametrize(
    ("query", "path", "words"),
    [
        ([("clint", "10.0.0.1")], "query.clint", "did you mean client?"),
        ([("client", "x")], "query.client", "not an address or range: 'x'"),
        ([("port", "x")], "query.port", "not a number: 'x'"),
        ([("x", "clint=10.0.0.1")], "query.x", "did you mean client?"),
        ([("exclude", "since=1h")], "query.x", "cannot be left out"),
        ([("client", "10.0.0.1")] * 201, "query.client", "at most 200"),
        ([("port", "9" * 30)], "query.port", "not a number"),
        ([("flag", "x")], "query.flag", "unknown flag 'x'"),
        ([("since", "x")], "query.since", "not a time: 'x'"),
        ([("last", "x")], "query.last", "not a length of time: 'x'"),
    ],
)
def test_what_cannot_be_understood_says_where(query, path, words):
    with pytest.raises(InvalidRequest) as raised:
        filter_of(query, NOW)
    assert raised.value.path == path
    assert words in str(raised.value)


def test_every_error_has_one_shape():
    assert body_of(problem(StoreError("a", "b", "c"))) == b'{"error":{"what":"a","why":"b","next":"c","path":null}}\n'


def test_every_field_is_a_parameter():
    every: dict[str, Any] = {
        f.name: (1,) if f.name == "port" else ("10.0.0.0/8",) for f in fields(FlowFilter) if not f.name.endswith("_us")
    }
    sent = {name for name, _ in query_of(FlowFilter(**every, since_us=1, until_us=2))}
    assert sent == {*every, "since", "until"}
