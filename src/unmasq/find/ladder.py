"""How wide the bars of a picture over time are: a round width of the calendar, so that there are about a hundred. Pure."""

from unmasq.base.clock import MICROSECONDS
from unmasq.base.errors import UsageError

_SECONDS = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400, 28 * 86_400, 364 * 86_400)
WIDTHS_US = tuple(seconds * MICROSECONDS for seconds in _SECONDS)
MOST = 2000
"""Bars of one picture."""


def width_of(since_us: int, until_us: int, most: int = 120) -> int:
    """The narrowest round width with at most so many bars from one moment to another; a long time has more bars of the widest."""
    return next((width for width in WIDTHS_US if (until_us - since_us) // width < most), WIDTHS_US[-1])


def checked(width_us: int, since_us: int, until_us: int) -> int:
    """A width that somebody asked for. Raises UsageError for one that makes too many bars."""
    if width_us < MICROSECONDS or (until_us - since_us) // width_us >= MOST:
        why = f"from 1 second on, and so that there are at most {MOST} of them"
        raise UsageError("no width for bars", why, f"{width_of(since_us, until_us) // MICROSECONDS}s makes about a hundred")
    return width_us
