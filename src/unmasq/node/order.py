"""Which batch goes next: the oldest. One that fails again and again takes turns with those behind it."""

from collections.abc import Callable
from dataclasses import dataclass

from unmasq.base.clock import MICROSECONDS
from unmasq.node.backoff import BackOff, seconds_until

PATIENCE = 3
"""Failures in a row after which the first batch lets others go before it: it may be the reason."""


@dataclass
class _Aside:
    back_off: BackOff
    until_us: int = 0


class Order:
    """Batches by their numbers. One that stepped aside is tried again, more and more rarely, in turn with others; it is never given up."""

    def __init__(self, draw: Callable[[], float]) -> None:
        """`draw` as for `BackOff`."""
        self._draw = draw
        self._aside: dict[int, _Aside] = {}
        self._failing, self._failures = 0, 0  # the batch that failed last and has not stepped aside, and how often in a row
        self._turn_of_others = False

    @property
    def aside(self) -> set[int]:
        """Those that stepped aside."""
        return set(self._aside)

    def choices(self, now_us: int) -> list[set[int]]:
        """What is to be passed over; where that leaves nothing, the next one counts."""
        not_yet = {number for number, each in self._aside.items() if seconds_until(each.until_us, now_us)}
        return [self.aside, not_yet] if self._turn_of_others else [not_yet]

    def chosen(self, number: int) -> None:
        """This one is tried now."""
        self._turn_of_others = number in self._aside

    def failed(self, number: int, now_us: int) -> bool:
        """It did not get through, and another might; whether it was aside already."""
        if number in self._aside:
            self.step_aside(number, now_us)
            return True
        self._failures = self._failures + 1 if number == self._failing else 1
        self._failing = number
        if self._aside or self._failures >= PATIENCE:  # with one aside it is a search for those that get through
            self.step_aside(number, now_us)
        return False

    def step_aside(self, number: int, now_us: int) -> None:
        """Others go before it for a while."""
        each = self._aside.setdefault(number, _Aside(BackOff(self._draw)))
        each.until_us = now_us + int(each.back_off.failed() * MICROSECONDS)
        self._turn_of_others = True

    def only(self, here: set[int]) -> None:
        """Forget all that are not here any more."""
        self._aside = {number: each for number, each in self._aside.items() if number in here}
