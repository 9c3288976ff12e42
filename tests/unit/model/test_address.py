"""A range as a person writes it, and as it is written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmasq.base.errors import UsageError
from unmasq.model.address import parse_range


@pytest.mark.parametrize("text", ["::", "::/128", "[::]", "0:0:0:0:0:0:0:0/128"])
def test_the_unspecified_address_is_no_range(text):
    with pytest.raises(UsageError):
        parse_range(text)


@given(st.ip_addresses(), st.integers(0, 128))
def test_the_text_of_a_range_is_read_as_the_same_range(address, bits):
    """What is stored as a text must be readable for ever."""
    text = f"{address}/{min(bits, address.max_prefixlen)}"
    if text == "::/128":
        return
    assert parse_range(parse_range(text).text) == parse_range(text)
