"""Days that cannot be written: each is left alone for a while, longer every time; the others go on meanwhile."""

from collections.abc import Mapping
from typing import NamedTuple

from unmasq.base.clock import MICROSECONDS
from unmasq.base.errors import StoreError

SHORTEST_US = MICROSECONDS
LONGEST_US = 60 * MICROSECONDS


class _Rest(NamedTuple):
    error: StoreError
    since_us: int
    length_us: int


class Resting:
    """What is known of days that failed. Knows the time only from its callers, of whom one at a time may change anything."""

    def __init__(self) -> None:
        self._rests: dict[int, _Rest] = {}

    @property
    def errors(self) -> Mapping[int, StoreError]:
        """The days that cannot be written, each with what went wrong last."""
        return {day: rest.error for day, rest in list(self._rests.items())}

    def is_over(self, day: int, now_us: int) -> bool:
        """Whether a day may be tried now."""
        rest = self._rests.get(day)
        return rest is None or not 0 <= now_us - rest.since_us < rest.length_us  # a clock that was set back prolongs nothing

    def failed(self, day: int, error: StoreError, now_us: int) -> None:
        """A day failed. While it rests, whatever else goes wrong with it prolongs nothing."""
        if self.is_over(day, now_us):
            before = self._rests.get(day)
            length_us = min(2 * before.length_us, LONGEST_US) if before else SHORTEST_US
            self._rests[day] = _Rest(error, now_us, length_us)

    def written(self, day: int) -> None:
        """A day is well."""
        self._rests.pop(day, None)
