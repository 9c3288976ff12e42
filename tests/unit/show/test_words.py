"""Words that a person reads: the same thing is always said in the same way, and nothing more than is known."""

from datetime import timedelta, timezone

import pytest

from unmasq.show import words

AT = 1_795_492_620_000_000  # 2026-11-24 03:57:00Z
HOUR = 3600 * 1_000_000


@pytest.mark.parametrize(("number", "text"), [(0, "0 requests"), (1, "1 request"), (1204, "1,204 requests")])
def test_counts_have_a_noun_and_grouping(number, text):
    assert words.counted(number, "request") == text


def test_times_have_a_date_seconds_and_a_zone():
    assert words.time(AT) == "2026-11-24 03:57:00Z"
    assert words.time(AT, timezone(timedelta(hours=5, minutes=30))) == "2026-11-24 09:27:00+05:30"


def test_a_span_names_the_date_of_its_end_only_if_it_is_another():
    assert words.span(AT, AT + HOUR) == "2026-11-24 03:57:00Z to 04:57:00Z"
    assert words.span(AT, AT + 24 * HOUR) == "2026-11-24 03:57:00Z to 2026-11-25 03:57:00Z"
    assert words.span(AT, AT) == "2026-11-24 03:57:00Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "just now"), (0, "just now"), (2, "2 s ago"), (119, "119 s ago"), (120, "2 minutes ago"), (7199, "119 minutes ago"),
     (7200, "2 hours ago"), (86_400, "1 day ago"), (12 * 86_400 + 5, "12 days ago")],
)  # fmt: skip
def test_how_long_ago(seconds, text):
    assert words.ago(AT, AT + seconds * 1_000_000) == text


@pytest.mark.parametrize(("part", "whole", "text"), [(0, 0, "-"), (998, 1000, "99.8 %"), (99_999, 100_000, "99.9 %"), (7, 7, "100 %")])
def test_a_share_is_100_only_if_nothing_is_missing(part, whole, text):
    assert words.percent(part, whole) == text


def test_evidence_is_never_called_untrusted():
    said = [words.evidence(kind, "edge-lb") for kind in ("observed", "forwarded", "logged", "claimed", None)]
    assert said == ["direct", "forwarded by edge-lb", "logged", "only claimed by edge-lb", "not known"]


def test_statuses_are_counted_by_class():
    assert words.statuses({"200": 1100, "204": 50, "404": 40, "-": 1}) == "2xx 1,150  4xx 40  other 1"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/a", "/a"),
        ("/a b", '"/a b"'),
        ("", '""'),
        ("/\x1b[31m", "/\\x1b[31m"),
        ('/"', '"/""'),
        ("/a\nb", "/a\\x0ab"),
        ("[late]", '"[late]"'),
    ],
)
def test_what_a_client_wrote_is_one_visible_word(text, shown):
    assert words.written(text) == shown


@pytest.mark.parametrize(
    ("ip", "port", "text"),
    [("10.0.0.1", 80, "10.0.0.1:80"), ("2001:db8::1", 443, "[2001:db8::1]:443"), (None, 80, "the proxy"), ("::1", None, "::1")],
)
def test_an_end_of_a_connection(ip, port, text):
    assert words.endpoint(ip, port) == text
