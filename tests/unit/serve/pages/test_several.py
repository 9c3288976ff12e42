"""A list as somebody pastes it: with ports, brackets, commas, twice the same, and words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmasq.serve.pages.several import split


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("198.51.100.1\n198.51.100.2", ["198.51.100.1", "198.51.100.2"]),
        ("198.51.100.1:443, [2001:DB8::1]:80;10.0.0.7/8", ["198.51.100.1", "2001:db8::1", "10.0.0.0/8"]),
        ("198.51.100.1 198.51.100.1 ::ffff:198.51.100.1", ["198.51.100.1"]),
        ("", []),
    ],
)
def test_addresses_come_in_one_form_and_once(text, addresses):
    assert split(text) == (addresses, [])


def test_other_words_are_told():
    assert split("seen from 198.51.100.1, edge") == (["198.51.100.1"], ["seen", "from", "edge"])


@given(st.text(max_size=200))
def test_any_text_is_taken(text):
    addresses, _ = split(text)
    assert len(addresses) == len(set(addresses))
