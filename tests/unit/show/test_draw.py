"""What a picture shows, and what a page pays for it."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from unmasq.base.moments import moment
from unmasq.show.draw import axis
from unmasq.show.draw.histogram import MOST_BARS, Bar, Mark, histogram
from unmasq.show.draw.hops import hop_picture
from unmasq.show.draw.sparkline import sparkline
from unmasq.show.ways import Hop, Way, hop_text

SVG = "{http://www.w3.org/2000/svg}"
MINUTE_US = 60 * 10**6
START_US = 1_732_262_400 * 10**6  # 2024-11-22 08:00Z
LONG = "2001:db8:9:1:aaaa:bbbb:cccc:dddd"
FORWARDED = Way(
    [Hop("198.51.100.10", "x-forwarded-for", href="/ip/198.51.100.10"), Hop("203.0.113.20", "kernel", "edge-lb")], "10.244.1.10:80", 1190
)
TRANSLATED = Way([Hop("198.51.100.10", "kernel")], "10.244.1.10:80", 14, translated="10.244.1.1")
CLAIMED = Way([Hop("198.51.100.9", "socket")], "10.244.1.10:80", 3, claimed=Hop("198.51.100.10", "claimed"))


def bars(number, length_us=10 * MINUTE_US, **counts):
    since = [START_US + at * length_us for at in range(number)]
    return [Bar(us, us + length_us, counts, f"?since={moment(us):%Y-%m-%dT%H:%M:%SZ}&until={moment(us):%H:%M:%SZ}") for us in since]


def texts(picture):
    return [each.text or "" for each in ET.fromstring(picture).iter(f"{SVG}text")]


def test_a_bar_is_a_link_to_its_time_and_says_what_it_holds():
    link = next(ET.fromstring(histogram(bars(3, direct=1200, forwarded=4))).iter(f"{SVG}a"))
    assert link.attrib["href"].startswith("?since=2024-11-22T08:00:00Z&until=")
    assert link.findtext(f"{SVG}title") == "2024-11-22 08:00:00Z to 08:10:00Z: 1,200 direct, 4 forwarded"


def test_kinds_that_are_not_there_have_no_place_in_the_key():
    shown = texts(histogram(bars(3, direct=1, unknown=2)))
    assert [kind for kind in ("direct", "forwarded", "logged", "unknown") if kind in shown] == ["direct", "unknown"]


def test_kinds_differ_by_their_pattern_too():
    root = ET.fromstring(histogram(bars(3, direct=1, forwarded=1, logged=1, unknown=1), name="h"))
    lines = [(each.attrib["id"], next(each.iter(f"{SVG}path")).attrib["d"]) for each in root.iter(f"{SVG}pattern")]
    assert [name for name, _ in lines] == ["h-forwarded", "h-logged", "h-unknown"]
    assert len({drawn for _, drawn in lines}) == 3
    used = {each.attrib.get("fill") for each in root.iter(f"{SVG}path")}
    assert {f"url(#{name})" for name, _ in lines} <= used


def test_a_mark_outside_of_the_time_that_is_shown_is_not_drawn():
    marks = [Mark(START_US + us, "finding", f"at {us}") for us in (-1, 0, 5 * MINUTE_US, 31 * MINUTE_US)]
    assert re.findall(r": at (-?\d+)<", histogram(bars(3, direct=1), marks=marks)) == ["0", str(5 * MINUTE_US)]


def test_so_many_bars_cost_a_page_so_little():
    picture = histogram(bars(120, direct=100, forwarded=1000, logged=5)).encode()
    assert len(picture) < 35_000
    assert len(gzip.compress(picture)) < 4_000


def test_more_bars_than_anybody_can_see_are_refused():
    with pytest.raises(ValueError, match="2001 bars; at most 2000"):
        histogram(bars(MOST_BARS + 1))
    assert histogram(bars(MOST_BARS, direct=1))


@pytest.mark.parametrize("length_us", [10**6, 7 * 10**6, 10 * MINUTE_US, 91 * MINUTE_US, 86_400 * 10**6, 400 * 86_400 * 10**6])
def test_no_time_is_written_over_another_and_each_has_its_date(length_us):
    root = ET.fromstring(histogram(bars(60, length_us, direct=1)))
    dates = [float(each.attrib["x"]) for each in root.iter(f"{SVG}text") if re.fullmatch(r"\d{4}-\d\d-\d\d", each.text or "")]
    assert 2 <= len(dates) <= 10
    assert all(after - before > 70 for before, after in pairwise(dates))


def test_ticks_stand_at_round_times_of_the_zone():
    zone = ZoneInfo("Asia/Kolkata")  # half an hour beside everybody else
    ticks, are_days = axis.moments(START_US, START_US + 86_400 * 10**6, zone, 9)
    assert {moment(us).astimezone(zone).strftime("%H:%M") for us in ticks} == {
        "00:00",
        "03:00",
        "06:00",
        "09:00",
        "12:00",
        "15:00",
        "18:00",
        "21:00",
    }
    assert not are_days


def test_days_stay_days_when_clocks_are_set_back():
    zone = ZoneInfo("Europe/Berlin")
    first = int(datetime(2024, 10, 25, tzinfo=zone).timestamp()) * 10**6
    ticks, are_days = axis.moments(first, first + 6 * 86_400 * 10**6, zone, 9)
    assert are_days
    assert [f"{moment(us).astimezone(zone):%d %H:%M}" for us in ticks[:4]] == ["25 00:00", "26 00:00", "27 00:00", "28 00:00"]


def test_years_are_marked_by_the_first_of_a_month():
    first = int(datetime(2020, 2, 11, tzinfo=UTC).timestamp()) * 10**6
    ticks, are_days = axis.moments(first, first + timedelta(days=2000) // timedelta(microseconds=1), UTC, 9)
    assert are_days
    assert [f"{moment(us):%Y-%m-%d}" for us in ticks][:2] == ["2021-01-01", "2022-01-01"]


@pytest.mark.parametrize(("most", "top"), [(0, 1), (1, 1), (2, 2), (3, 4), (7, 8), (9, 10), (11, 20), (1000, 1000), (1001, 2000)])
def test_an_axis_ends_at_a_round_count(most, top):
    assert axis.top(most) == top


@pytest.mark.parametrize(
    ("way", "line"),
    [
        (FORWARDED, "198.51.100.10 --> edge-lb 203.0.113.20 ==> 10.244.1.10:80"),
        (TRANSLATED, "198.51.100.10 ==> 10.244.1.10:80 (the proxy logged 10.244.1.1)"),
        (CLAIMED, "198.51.100.10 ..> 198.51.100.9 ==> 10.244.1.10:80"),
        (Way([], "the proxy", 1), "? ==> the proxy"),
        (Way([Hop(None, "forwarded"), Hop("203.0.113.20", "kernel")], "the proxy", 1), "? --> 203.0.113.20 ==> the proxy"),
    ],
)
def test_a_way_is_one_line_of_text(way, line):
    assert hop_text(way) == line


def test_each_box_says_who_says_so_and_each_line_how_sure_it_is():
    picture = hop_picture([FORWARDED, TRANSLATED, CLAIMED])
    shown = texts(picture)
    for said in ("named in x-forwarded-for", "edge-lb, seen by the kernel", "seen by the proxy's socket", "only claimed", "1,190 requests"):
        assert said in shown
    assert set(re.findall(r'class="line (\w+)"', picture)) == {"forwarded", "observed", "claimed"}


def test_a_translation_is_no_hop():
    root = ET.fromstring(hop_picture([TRANSLATED]))
    hops = [each.findtext(f"{SVG}text") for each in root.iter() if each.attrib.get("class") == "hop"]
    assert hops == ["198.51.100.10", "10.244.1.10:80"]
    assert "translated by a node: the proxy logged 10.244.1.1" in [each.text for each in root.iter(f"{SVG}title")]


def test_the_longest_address_has_its_whole_box():
    shown = texts(hop_picture([Way([Hop(LONG, "kernel")], f"[{LONG}]:65535", 1)]))
    assert [text for text in shown if LONG in text] == [LONG, f"[{LONG}]:65535"]


def test_a_way_of_a_hundred_hops_and_a_hundred_ways_stay_a_picture():
    long = Way([Hop(f"10.0.0.{at}", "forwarded") for at in range(100)], "10.244.1.10:80", 5)
    shown = texts(hop_picture([long] * 100))
    assert "93 hops" in shown
    assert "80 more ways in the list" in shown
    assert shown.count("10.0.0.99") == 20


def test_a_small_line_is_one_image():
    root = ET.fromstring(sparkline([1, 5, 3], "requests a day"))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "requests a day: 3 values from 1 to 5, the last 3"


def test_every_class_has_its_rule():
    rules = files("unmasq.show.draw").joinpath("draw.css").read_text()
    logged = Way([Hop("198.51.100.10", "logged")], "the proxy", 1)
    marks = [Mark(START_US, "finding", "one"), Mark(START_US, "block", "other")]
    bars_ = histogram(bars(2, direct=1, forwarded=1, logged=1, unknown=1), marks=marks)
    pictures = bars_ + hop_picture([FORWARDED, TRANSLATED, CLAIMED, logged]) + sparkline([1])
    used = {name for names in re.findall(r'class="([^"]+)"', pictures) for name in names.split()} - {"way", "finding"}
    assert not [name for name in sorted(used) if not re.search(rf"\.{name}\b", rules)]
