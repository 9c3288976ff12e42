"""When a dump is due."""

import pytest

from unmasq.observe.pace import Pace

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND


def pace(length_us: int) -> Pace:
    """A pace whose last dump took so long and ended now."""
    made = Pace()
    made.dumped(NOW - length_us, NOW)
    return made


def test_the_first_dump_is_due_at_once():
    assert Pace().due(NOW, urgent=False)


@pytest.mark.parametrize(("length_us", "rest_us"), [(0, 5 * SECOND), (37_000, 5 * SECOND), (800_000, 40 * SECOND)])
def test_a_long_dump_is_followed_by_a_long_rest(length_us, rest_us):
    assert not pace(length_us).due(NOW + rest_us - 1, urgent=False)
    assert pace(length_us).due(NOW + rest_us, urgent=False)


def test_an_overrun_asks_for_a_dump_soon_but_not_for_one_after_the_other():
    assert pace(0).due(NOW, urgent=True)
    assert not pace(SECOND).due(NOW + 4 * SECOND - 1, urgent=True)
    assert pace(SECOND).due(NOW + 4 * SECOND, urgent=True)


def test_a_clock_that_was_set_back_does_not_silence_the_dumps():
    assert pace(SECOND).due(NOW - 3600 * SECOND, urgent=False)
    backwards = Pace()
    backwards.dumped(NOW, NOW - 3600 * SECOND)
    assert not backwards.due(NOW - 3600 * SECOND, urgent=False)
