"""The clock, as an argument: microseconds since 1970 UTC, everywhere.

Nothing else in the program asks the system for the time, so a day of traffic runs in a test in milliseconds.
"""

import time
from typing import Protocol

MICROSECONDS = 1_000_000
DAY_US = 86_400 * MICROSECONDS


class Clock(Protocol):
    """Tells the present time."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z."""
        ...


class SystemClock:
    """The machine's clock. It may jump; whoever compares two readings must bear that."""

    def now_us(self) -> int:
        return time.time_ns() // 1000


class ManualClock:
    """A clock that moves when it is told to: for replays and tests."""

    def __init__(self, now_us: int) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        return self._now_us

    def move_to(self, now_us: int) -> None:
        """Set the time, in microseconds; it may go backwards, as a real clock does."""
        self._now_us = now_us
