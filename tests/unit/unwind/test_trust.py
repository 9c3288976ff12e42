"""A trust list as it stands in a flag."""

import pytest

from unmasq.base.errors import UsageError
from unmasq.unwind.trust import entries_of


def test_each_range_may_name_its_header():
    found = entries_of("203.0.113.20, 10.0.0.0/8=proxy-protocol,2001:db8::/32=Forwarded,")
    assert [(each.name, each.range.text, each.header) for each in found] == [
        ("203.0.113.20", "203.0.113.20", "x-forwarded-for"),
        ("10.0.0.0/8", "10.0.0.0/8", "proxy-protocol"),
        ("2001:db8::/32", "2001:db8::/32", "forwarded"),
    ]


def test_an_unknown_header_is_refused():
    with pytest.raises(UsageError, match="x-nobody"):
        entries_of("203.0.113.20=x-nobody")
