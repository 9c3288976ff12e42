"""Every text on a page is visible, short and escaped."""

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from unmasq.serve.pages.words import LONGEST, brief, shown, time


@given(st.text(max_size=400))
def test_a_text_in_a_cell_holds_no_markup_and_no_control_characters(text):
    made = brief(text)
    assert made.count("<") in (0, 2)  # a title around what was shortened, and nothing else
    assert not any(ord(each) < 32 or each in "\u202e\u2028\x7f" for each in made)


def test_a_long_text_is_shortened_and_whole_in_its_title():
    made = brief("a" * (LONGEST + 5))
    assert f'title="{"a" * (LONGEST + 5)}"' in made
    assert f">{'a' * (LONGEST - 1)}…<" in made


def test_what_turns_the_direction_of_reading_is_shown_as_what_it_is():
    assert shown("a\u202eb\x1b[31m") == "a\\u202eb\\x1b[31m"


def test_markup_of_ours_and_numbers_stay():
    assert shown(Markup("<b>1</b>")) == Markup("<b>1</b>")
    assert (shown(7), shown(None)) == (7, "")


def test_a_time_has_its_date_its_seconds_and_its_zone():
    assert time(1_795_800_000_000_000) == '<time datetime="2026-11-27T17:20:00.000000Z">2026-11-27 17:20:00Z</time>'
    assert time(None) == "never"
