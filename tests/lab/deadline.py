"""Waiting for a condition, never for a time to pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, seconds: float = 10.0) -> T:
    """The first true answer of `condition`, asked every 5 ms. TimeoutError naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= end:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.005)
