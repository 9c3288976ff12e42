"""How often the table is read: often enough to know, seldom enough to cost little."""

from unmasq.base.clock import MICROSECONDS

_PERIOD_US = 5 * MICROSECONDS
_REST = 50  # times the length of the last dump: dumps take at most 2 % of the time
_REST_URGENT = 4  # at most a fifth, else the dump of a big table would cause the overrun that asks for the next one


class Pace:
    """Decides when a dump is due, by the end and the length of the last one."""

    def __init__(self) -> None:
        self._ended_us: int | None = None
        self._length_us = 0

    def due(self, now_us: int, *, urgent: bool) -> bool:
        """Whether 5 s and 50 times the last dump's length have passed; where it is `urgent`, 4 times the length will do.

        So it is after an overrun, or when connections were passed over whose listener is known now.
        """
        if self._ended_us is None:
            return True
        rest_us = _REST_URGENT * self._length_us if urgent else max(_PERIOD_US, _REST * self._length_us)
        # A clock that was set back must not silence the dumps.
        return not 0 <= now_us - self._ended_us < rest_us

    def dumped(self, began_us: int, ended_us: int) -> None:
        """Note the last dump."""
        self._ended_us = ended_us
        self._length_us = max(0, ended_us - began_us)
