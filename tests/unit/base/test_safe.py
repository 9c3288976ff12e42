"""Whatever a client writes, no exit is steered by it."""

import json
from xml.etree import ElementTree as ET

import hypothesis.strategies as st
import pytest
from hypothesis import given

from unmasq.base import safe

STEERING = [*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), *"\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\ufffe\uffff"]
texts = st.text(st.one_of(st.sampled_from(STEERING), st.characters(exclude_categories=["Cs"])))


@given(texts)
def test_a_terminal_gets_one_line_without_control_characters(text):
    assert not set(safe.terminal(text)) & set(STEERING)


@given(texts)
def test_json_means_the_same_and_steers_nothing(text):
    shown = safe.json(json.dumps({"a": text}, ensure_ascii=False).encode())
    assert json.loads(shown) == {"a": text}
    assert not set(shown.decode()) & set(STEERING)


@given(texts)
def test_a_page_shows_the_text_itself_as_text_and_as_an_attribute(text):
    shown = safe.html(text)
    parsed = ET.fromstring(f"<p title='{shown}' class=\"{shown}\">{shown}</p>")
    assert [parsed.text or "", parsed.attrib["title"], parsed.attrib["class"]] == [safe.terminal(text)] * 3
    assert not set(shown) & {*STEERING, *"<>\"'"}


@given(texts)
def test_a_cell_is_no_formula(text):
    shown = safe.cell(text)
    assert len(shown) < 2 or shown[0] not in "=+-@\t\r\n"


@pytest.mark.parametrize("text", ["<b>", "[a](b)", "`x`", "a|b", "*x*", "# x", "~~x~~", "![i](u)", "1. x\n2. y"])
def test_markdown_shows_the_text_itself(text):
    shown = safe.markdown(text)
    bare = shown.replace("\\\\", "")
    assert all(bare[at - 1] == "\\" for at, mark in enumerate(bare) if mark in "<>[]`|*#~!&")
    assert "\n" not in shown
