"""Pictures of whatever a log holds: well-formed, without anything that runs, and with a name for each mark."""

from xml.etree import ElementTree as ET

import hypothesis.strategies as st
from hypothesis import given

from unmasq.base.safe import terminal
from unmasq.show.draw.histogram import KINDS, Bar, Mark, histogram
from unmasq.show.draw.hops import hop_picture
from unmasq.show.draw.sparkline import sparkline
from unmasq.show.ways import Hop, Way, hop_text

SVG = "{http://www.w3.org/2000/svg}"
KNOWN = {"svg", "g", "a", "title", "text", "path", "rect", "circle", "defs", "pattern"}
HOSTILE = [
    "</title><script>alert(1)</script>",
    "\" onload='alert(1)",
    "]]><!--",
    "&lt;b&gt;",
    "\x1b[2J\x00",
    "\u202eevil",
    "\ud800",
    "\uffff",
]
HOSTILE_HREFS = ["javascript:alert(1)", "//evil.test/", "/\\evil.test", "data:text/html,<script>", "/\t/evil.test", " https://evil.test"]
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))
hrefs = st.one_of(st.none(), st.sampled_from([*HOSTILE_HREFS, "/ip/198.51.100.10?a=1&b=2"]), texts)
counts = st.integers(0, 10**12)
moments = st.integers(0, 4 * 10**15)
hops = st.builds(Hop, st.none() | texts, st.sampled_from(["kernel", "socket", "logged"]) | texts, st.none() | texts, hrefs)
ways = st.builds(Way, st.lists(hops, max_size=12), texts, counts, st.none() | hops, st.none() | texts, hrefs)
marks = st.builds(Mark, moments, texts, texts, hrefs)


@st.composite
def series(draw):
    """Buckets of one length, one after the other."""
    first, length = draw(moments), draw(st.integers(1, 10**12))
    found = draw(st.lists(st.dictionaries(st.sampled_from(KINDS), counts), max_size=40))
    return [Bar(first + at * length, first + (at + 1) * length, each, draw(hrefs)) for at, each in enumerate(found)]


def parsed(picture):
    """The picture as a tree, after a look at all that must be true of each."""
    root = ET.fromstring(picture)
    assert root.attrib["aria-label"]
    assert root.attrib["role"] in ({"group"} if root.find(f".//{SVG}a") is not None else {"group", "img"})
    for each in root.iter():
        assert each.tag.removeprefix(SVG) in KNOWN
        assert not [name for name in each.attrib if name.startswith("on") or name == "style" or ":" in name]
        if each.tag == f"{SVG}a":
            assert each.attrib["href"][0] in "?#/"
            assert each.attrib["href"][1:2] not in {"/", "\\"}
            assert each.findtext(f"{SVG}title")
    assert not set(picture) & set(map(chr, range(32)))
    return root


def names(root):
    return [each.text for each in root.iter(f"{SVG}title")]


@given(series(), st.lists(marks, max_size=3), texts)
def test_every_bar_and_mark_has_a_name(bars, marks, name):
    root = parsed(histogram(bars, marks=marks, name=name))
    shown = [mark for mark in marks if bars and bars[0].start_us <= mark.us <= bars[-1].end_us]
    assert len(names(root)) == len(bars) + len(shown)
    for bar, said in zip(bars, names(root), strict=False):
        assert all(f"{count:,} {kind}" in said for kind, count in bar.counts.items() if count)


@given(st.lists(ways, max_size=30))
def test_every_hop_says_its_address_and_every_way_its_line(rows):
    root = parsed(hop_picture(rows))
    said = names(root)
    shown = {each.text for each in root.iter(f"{SVG}text")}
    for way in rows[:20]:
        assert any(name.startswith(terminal(hop_text(way))) for name in said)
        if len(way.hops) < 8:
            assert all(terminal(hop.ip) in shown for hop in way.hops if hop.ip and len(hop.ip) <= 45)


@given(st.lists(counts, max_size=50), texts)
def test_a_small_line_says_what_it_shows(values, name):
    root = parsed(sparkline(values, name))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"].startswith(terminal(name))
