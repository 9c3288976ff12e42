"""How wide the bars of a histogram are: steps that people count in, so that bars begin where a clock or calendar has a mark."""

from unmasq.base.clock import DAY_US, MICROSECONDS

_MINUTE_US = 60 * MICROSECONDS
_HOUR_US = 60 * _MINUTE_US

STEPS = (
    *(seconds * MICROSECONDS for seconds in (1, 5, 15, 30)),
    *(minutes * _MINUTE_US for minutes in (1, 5, 15, 30)),
    *(hours * _HOUR_US for hours in (1, 3, 6, 12)),
    DAY_US,
    7 * DAY_US,
)
"""Microseconds, the narrowest first."""


def width_of(since_us: int, until_us: int, most: int = 120) -> int:
    """The narrowest step by which a window has at most so many bars, or so many weeks as are needed for that."""
    for step in STEPS:
        if bars(since_us, until_us, step) <= most:
            return step
    weeks = 2
    while bars(since_us, until_us, weeks * STEPS[-1]) > most:
        weeks *= 2
    return weeks * STEPS[-1]


def bars(since_us: int, until_us: int, width_us: int) -> int:
    """How many bars a window has, which begin at multiples of their width; the first and last may lie in it in part."""
    return max(0, -(-until_us // width_us) - since_us // width_us)
