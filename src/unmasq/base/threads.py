"""How the threads of one process share Python's interpreter."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_TURN_SECONDS = 0.001

_SHARE = 4
"""How many times as long as it worked work gives way: at least a fifth of the time is left to it."""

_LONGEST_SECONDS = 0.25
"""Of one wait: the kernel keeps what nobody reads meanwhile, but not for ever."""


def share_in_short_turns() -> None:
    """Let a thread that computes give way after a millisecond, not after five.

    Whoever answers a question asks the database many times and waits for his turn behind each: while lines are read that take
    long, five milliseconds each make a second of one answer.
    """
    sys.setswitchinterval(_TURN_SECONDS)


class Precedence:
    """Answers go before work that can wait: a log keeps its lines, and whoever asks is a person.

    Any thread may answer; one does the work.
    """

    def __init__(self, worked: Callable[[], float] = time.thread_time) -> None:
        """`worked` tells for how many seconds the thread that works had the processor."""
        self._changed, self._answering = threading.Condition(), 0
        self._worked, self._seen = worked, worked()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """While somebody answers."""
        with self._changed:
            self._answering += 1
        try:
            yield
        finally:
            with self._changed:
                self._answering -= 1
                self._changed.notify_all()

    def give_way(self) -> None:
        """Between two pieces of work: wait until nobody answers, though no longer than a few times what the last piece took."""
        piece = max(0.0, self._worked() - self._seen)
        with self._changed:
            self._changed.wait_for(lambda: not self._answering, min(_SHARE * piece, _LONGEST_SECONDS))
        self._seen = self._worked()
