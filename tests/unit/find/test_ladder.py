"""The width of the bars of a histogram."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from unmasq.base.clock import DAY_US
from unmasq.find.ladder import STEPS, bars, width_of

SECOND = 1_000_000
NOW = 1_795_492_620_000_000


@pytest.mark.parametrize(
    ("length", "width"),
    [(0, SECOND), (60 * SECOND, SECOND), (10 * 60 * SECOND, 5 * SECOND), (3600 * SECOND, 30 * SECOND), (DAY_US, 15 * 60 * SECOND),
     (30 * DAY_US, 12 * 3600 * SECOND), (90 * DAY_US, DAY_US), (365 * DAY_US, 7 * DAY_US), (8000 * DAY_US, 14 * DAY_US * 8)],
)  # fmt: skip
def test_a_window_has_bars_that_people_count_in(length, width):
    assert width_of(NOW, NOW + length) == width


@given(st.integers(0, 1 << 50), st.integers(0, 1 << 58), st.integers(2, 500))
def test_there_are_never_more_than_asked_for_and_never_far_less(since, length, most):
    width = width_of(since, since + length, most)
    assert bars(since, since + length, width) <= most
    narrower = [step for step in STEPS if step < width]
    assert not narrower or bars(since, since + length, narrower[-1]) > most
