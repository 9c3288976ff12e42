"""How often somebody may be wrong: whoever guesses tokens waits for everybody's wrong guesses of the last minute."""

import threading
from collections import deque

from unmasq.base.clock import MICROSECONDS, Clock

MOST = 20
WITHIN_US = 60 * MICROSECONDS


class Attempts:
    """Any thread may call."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._failed: deque[int] = deque(maxlen=MOST)

    def may(self) -> bool:
        """Whether another attempt is looked at."""
        with self._lock:
            return len(self._failed) < MOST or self._clock.now_us() - self._failed[0] > WITHIN_US

    def failed(self) -> None:
        """Count one that was wrong."""
        with self._lock:
            self._failed.append(self._clock.now_us())
