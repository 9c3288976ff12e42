"""The window of a page: what is asked for, else the last day; where nothing is newer it ends at the newest flow."""

import pytest

from unmasq.base.clock import DAY_US, MICROSECONDS
from unmasq.serve.contract import InvalidRequest
from unmasq.serve.pages.window import EVER, Window, asked, closed

NOW_US = 1_800_000_000_000_000
HOUR_US = 3600 * MICROSECONDS


def test_the_last_day_is_usual_and_open_at_its_end():
    wanted, window = asked([], NOW_US, NOW_US - 5)
    assert (wanted.since_us, wanted.until_us) == (NOW_US - DAY_US, None)
    assert window == Window(NOW_US - DAY_US, None, "24h")


def test_where_nothing_is_newer_it_ends_at_the_newest_flow():
    newest_us = NOW_US - 30 * DAY_US
    wanted, window = asked([("last", "1h")], NOW_US, newest_us)
    assert window.is_over
    assert wanted.since_us == window.since_us == newest_us + MICROSECONDS - HOUR_US
    assert wanted.until_us is not None
    assert wanted.until_us > newest_us


def test_everything_that_is_kept_has_no_ends():
    wanted, window = asked([("last", EVER), ("host", "a")], NOW_US, NOW_US)
    assert (wanted.since_us, wanted.until_us, wanted.host) == (None, None, ("a",))
    assert window == Window(None, None, EVER)


def test_ends_that_are_named_are_taken_as_they_are():
    _, window = asked([("since", "2026-11-24T08:00:00Z"), ("until", "2026-11-24T09:00:00Z")], NOW_US, 0)
    assert window.until_us is not None
    assert window.since_us is not None
    assert window.until_us - window.since_us == HOUR_US
    assert window.last is None


def test_a_time_that_is_none_is_told_with_its_place():
    with pytest.raises(InvalidRequest) as raised:
        asked([("since", "yesterday noon")], NOW_US, None)
    assert raised.value.path == "query.since"


@pytest.mark.parametrize("last", ["99999999999d", "-1h", "", "1y"])
def test_a_length_that_is_none_is_refused(last):
    with pytest.raises(InvalidRequest):
        asked([("last", last)], NOW_US, None)


def test_bars_need_both_ends():
    assert closed(Window(None, None, EVER), NOW_US - DAY_US, NOW_US - 1, NOW_US) == (NOW_US - DAY_US, NOW_US)
    assert closed(Window(NOW_US - HOUR_US, None, "1h"), 0, NOW_US - 1, NOW_US) == (NOW_US - HOUR_US, NOW_US)


def test_bars_of_an_empty_store_or_of_the_future_are_none():
    assert closed(Window(None, None, EVER), None, None, NOW_US) is None
    assert closed(Window(NOW_US + HOUR_US, None, None), 0, NOW_US - 1, NOW_US) is None


def test_bars_do_not_begin_long_before_anything_is_kept():
    ends = closed(Window(0, None, None), NOW_US - HOUR_US, NOW_US, NOW_US)
    assert ends is not None
    assert ends[0] == NOW_US - HOUR_US - DAY_US
