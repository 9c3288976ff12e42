"""How long to wait before the next try: longer each time, never quite as long as others wait."""

from collections.abc import Callable

from unmasq.base.clock import MICROSECONDS

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 60.0

_FARTHEST_SECONDS = 1000  # no server is heeded that asks for more


class BackOff:
    """`draw` gives a number in [0, 1): a server that comes back must not meet all of its nodes at once."""

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw, self._failures = draw, 0

    def failed(self, at_least_seconds: float = 0) -> float:
        """Seconds until the next try after one more failure; what the server asked for is the least."""
        most: float = min(FIRST_SECONDS * 2**self._failures, LONGEST_SECONDS)
        self._failures = min(self._failures + 1, 20)
        return at_least_seconds + most * (0.5 + self._draw() / 2)

    def succeeded(self) -> None:
        """The next failure is the first one again."""
        self._failures = 0


def seconds_until(until_us: int, now_us: int) -> float:
    """How long to wait still: not at all where the clock has jumped back by more than anybody ever waits."""
    left = (until_us - now_us) / MICROSECONDS
    return left if 0 < left <= _FARTHEST_SECONDS else 0
