"""What may be missing in an answer: by what a store holds of its window, and by what nodes said."""

import pytest
from msgspec import structs

from unmasq.base.clock import DAY_US, MICROSECONDS
from unmasq.find.completeness import GONE_US, SILENT_US, Sign, Window, completeness
from unmasq.keep.shapes import NodeWithin, Within

NOW_US = 1_800_000_000_000_000
HOUR_US = 3600 * MICROSECONDS
OPEN = Window(NOW_US - HOUR_US, None, NOW_US)
FRESH = NodeWithin(5, 10, 10, NOW_US - MICROSECONDS)
QUIET = NodeWithin(0, 0, 0, NOW_US - 2 * HOUR_US)


def held(nodes: dict[str, NodeWithin], **more) -> Within:
    return structs.replace(Within(nodes, {}, 3, 0), **more)


def test_nothing_is_doubted_where_all_nodes_send():
    found = completeness(held({"a": FRESH, "b": FRESH}), {}, {}, OPEN)
    assert (found.nodes, found.silent, found.requests, found.joined, found.doubts) == (2, [], 20, 20, [])


def test_a_node_that_sent_before_and_sends_no_more_is_silent():
    found = completeness(held({"a": FRESH, "b": QUIET}), {}, {}, OPEN)
    assert [(each.node, each.since_us) for each in found.silent] == [("b", NOW_US - 2 * HOUR_US)]
    assert found.doubts == ["Complete on 1 of 2 nodes: b silent since 2027-01-15 06:00:00Z."]


def test_a_node_that_is_heard_is_not_silent():
    signs = {"b": Sign(NOW_US - DAY_US, NOW_US - 10 * MICROSECONDS)}
    assert completeness(held({"a": FRESH, "b": QUIET}), signs, {}, OPEN).doubts == []


def test_a_node_whose_process_began_after_the_window_was_not_heard_in_it():
    past = Window(NOW_US - 5 * HOUR_US, NOW_US - HOUR_US, NOW_US)
    node = NodeWithin(1, 1, 1, NOW_US - 3 * HOUR_US)
    then = NodeWithin(1, 1, 1, NOW_US - HOUR_US)
    began_later, ran = (Sign(NOW_US - us, NOW_US) for us in (HOUR_US // 2, 4 * HOUR_US))
    assert [each.node for each in completeness(held({"a": then, "b": node}), {"b": began_later}, {}, past).silent] == ["b"]
    assert completeness(held({"a": then, "b": node}), {"b": ran}, {}, past).silent == []


def test_a_node_that_was_heard_and_never_sent_anything_is_missed_as_well():
    signs = {"b": Sign(NOW_US - DAY_US, NOW_US - HOUR_US)}
    assert [each.node for each in completeness(held({"a": FRESH}), signs, {}, OPEN).silent] == ["b"]


@pytest.mark.parametrize(("ago_us", "silent"), [(SILENT_US, 0), (SILENT_US + 1, 1), (GONE_US, 1), (GONE_US + 1, 0)])
def test_a_node_is_silent_neither_at_once_nor_for_ever(ago_us, silent):
    found = completeness(held({"a": FRESH, "b": NodeWithin(0, 0, 0, NOW_US - ago_us)}), {}, {}, OPEN)
    assert len(found.silent) == silent


def test_where_all_are_silent_one_sentence_says_so():
    [doubt] = completeness(held({"a": QUIET, "b": QUIET}), {}, {}, OPEN).doubts
    assert doubt.startswith("Nothing at all came since 2027-01-15 06:00:00Z, 2 hours ago")


@pytest.mark.parametrize("nodes", [{}, {"a": NodeWithin(5, 10, 10, NOW_US - 2 * GONE_US)}])
def test_where_nothing_came_for_very_long_that_is_said_as_well(nodes):
    [doubt] = completeness(held(nodes), {}, {}, OPEN).doubts
    assert doubt.startswith("Nothing ")


def test_a_node_that_is_alive_and_has_no_request_yet_casts_no_doubt():
    assert completeness(held({}), {"a": Sign(NOW_US - DAY_US, NOW_US)}, {}, OPEN).doubts == []


def test_a_window_that_lies_in_the_past_is_not_blamed_for_what_is_silent_now():
    past = Window(NOW_US - 3 * HOUR_US, NOW_US - 2 * HOUR_US, NOW_US)
    assert completeness(held({"a": NodeWithin(1, 1, 1, NOW_US - 2 * HOUR_US)}), {}, {}, past).doubts == []


@pytest.mark.parametrize(
    ("more", "dropped", "words"),
    [
        ({"unwritten": {"flows-2027-01-15.duckdb": "disk full"}}, {}, "1 day cannot be written (flows-2027-01-15.duckdb)"),
        (
            {"unreadable": {"flows-2027-01-14.duckdb": "it is damaged"}},
            {},
            "flows-2027-01-14.duckdb cannot be read, and its day is left out: it is",
        ),
        ({"rejects": {"bad_json": 3}}, {}, "3 lines could not be read"),
        ({"judged_by_older": 4}, {}, "4 flows judged by an older trust list"),
        ({"nodes": {"a": NodeWithin(5, 10, 8, NOW_US)}}, {}, "Only 80.0 % of the requests are joined"),
        ({"nodes": {"a": NodeWithin(5, 10, 0, NOW_US)}}, {}, "none is joined"),
        ({}, {"a": {"conntrack_lost": 7}}, "a lost something on the way: 7 conntrack_lost"),
    ],
)
def test_whatever_is_wrong_is_a_sentence(more, dropped, words):
    [doubt] = completeness(held(**{"nodes": {"a": FRESH}} | more), {}, dropped, OPEN).doubts
    assert words in doubt


def test_a_thousand_silent_nodes_are_counted_and_few_of_them_named():
    nodes = {f"n{number:04}": QUIET for number in range(1000)} | {"a": FRESH}
    found = completeness(held(nodes), {}, {}, OPEN)
    assert (found.nodes, len(found.silent)) == (1001, 100)
    assert found.doubts[0].startswith("Complete on 1 of 1,001 nodes: n0000 silent")
    assert found.doubts[0].endswith("and 997 more.")
