"""A day that failed is tried again, ever more seldom, until it is well."""

from unmasq.base.clock import MICROSECONDS
from unmasq.base.errors import StoreError
from unmasq.keep.resting import LONGEST_US, SHORTEST_US, Resting

NOW_US = 1_800_000_000_000_000


def rests(resting: Resting, failures: int) -> list[int]:
    """How long a day rests after each of its failures, to the second."""
    now_us, found = NOW_US, []
    for _ in range(failures):
        resting.failed(1, StoreError("damaged"), now_us)
        before = now_us
        while not resting.is_over(1, now_us):
            now_us += MICROSECONDS
        found.append(now_us - before)
    return found


def test_each_rest_is_longer_up_to_a_bound_and_the_next_trouble_begins_anew():
    resting = Resting()
    assert rests(resting, 8) == [SHORTEST_US * 2**number for number in range(6)] + [LONGEST_US] * 2
    resting.written(1)
    assert resting.errors == {}
    assert rests(resting, 1) == [SHORTEST_US]


def test_other_days_do_not_rest_and_failures_meanwhile_prolong_nothing():
    resting = Resting()
    for number in range(5):
        resting.failed(1, StoreError(f"damaged {number}"), NOW_US + number)
    assert resting.is_over(2, NOW_US)
    assert resting.is_over(1, NOW_US + SHORTEST_US)
    assert {day: error.what for day, error in resting.errors.items()} == {1: "damaged 0"}


def test_a_clock_that_was_set_back_prolongs_no_rest():
    resting = Resting()
    resting.failed(1, StoreError("damaged"), NOW_US)
    assert resting.is_over(1, NOW_US - 3600 * MICROSECONDS)
