"""Times on the way in and out."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from unmasq.base import moments
from unmasq.base.errors import UsageError

NOW = 1_795_492_620_123_456


@given(st.integers(0, 253_402_300_799_999_999))
def test_what_is_written_is_read_again(us):
    assert moments.parse(moments.text(us), NOW) == us


@pytest.mark.parametrize(
    ("words", "us"),
    [("10m", NOW - 600_000_000), ("2d", NOW - 172_800_000_000), ("250ms", NOW - 250_000), ("1w", NOW - 604_800_000_000),
     ("2026-11-24", 1_795_478_400_000_000), ("2026-11-24T01:00:00+01:00", 1_795_478_400_000_000),
     ("2026-11-24 00:00", 1_795_478_400_000_000), ("999999999w", 0),
     ("0001-01-01T00:00:00+23:59", 0), ("9999-12-31T23:59:59-23:59", 253_402_300_799_999_999)],
)  # fmt: skip
def test_times_as_people_write_them(words, us):
    assert moments.parse(words, NOW) == us


@pytest.mark.parametrize("words", ["", "yesterday", "10", "10y", "-5m", "2026-13-01", "99999999999999d", "٣m"])
def test_what_is_no_time_is_a_usage_error(words):
    with pytest.raises(UsageError, match="not a time"):
        moments.parse(words, NOW)
    with pytest.raises(UsageError, match="not a length"):
        moments.parse_duration(words)


def test_an_unknown_time_stays_unknown():
    assert moments.text_or_none(None) is None
    assert moments.text_or_none(0) == "1970-01-01T00:00:00.000000Z"
