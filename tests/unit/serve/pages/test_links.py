"""Links keep a page's state: what they say is read back as the same filter."""

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmasq.model.address import parse_range
from unmasq.serve.pages.links import Links, about, to


def query(link: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(link).query, keep_blank_values=True)


def links(*pairs: tuple[str, str]) -> Links:
    return Links("/flows", pairs)


def test_one_more_value_comes_behind_the_others_and_the_page_begins_anew():
    assert query(links(("host", "a"), ("after", "7-1-2"), ("limit", "5")).only("host", "b")) == [("host", "a"), ("host", "b")]


def test_only_takes_back_without_and_without_takes_back_only():
    assert query(links(("x", "host=a")).only("host", "a")) == [("host", "a")]
    assert query(links(("host", "a")).without("host", "a")) == [("x", "host=a")]


def test_no_value_stands_twice():
    assert query(links(("host", "a")).only("host", "a")) == [("host", "a")]


def test_another_window_replaces_the_one_there_is_and_keeps_the_filter():
    assert query(links(("last", "24h"), ("host", "a")).during(since="X", until="Y")) == [("host", "a"), ("since", "X"), ("until", "Y")]


def test_dropping_one_of_two_values_leaves_the_other():
    assert query(links(("host", "a"), ("host", "b")).dropped("host", "a")) == [("host", "b")]


def test_filters_are_neither_times_nor_ways_to_show():
    assert links(("last", "24h"), ("host", "a"), ("columns", "time"), ("whole", "yes")).filters() == [("host", "a")]


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_a_log_holds_survives_the_way_through_a_link(field, value):
    expected = [(text.encode("utf-8", "replace").decode("utf-8", "replace")) for text in (field, value)]
    assert query(to("/flows", [(expected[0], value)])) in ([tuple(expected)], [])  # a pair of two empty texts is none


@pytest.mark.parametrize("address", ["198.51.100.1", "10.0.0.0/8", "2001:db8::1", "2001:db8::/32"])
def test_the_page_of_an_address_is_found_again(address):
    link = about(address)
    assert link.startswith("/ip/")
    assert parse_range(unquote(link.removeprefix("/ip/"))).text == address


def test_no_text_leads_to_another_host():
    assert about("//evil.example/x") == "/ip///evil.example/x"
    assert urlsplit(about("\\evil.example?x#y")).netloc == ""
