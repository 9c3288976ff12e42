"""Whether one collector speaks on a socket, or several take turns: each that comes ends the stream of the other."""

import threading
from collections import deque

_MOST = 16  # that are remembered


class Speakers:
    """Those who spoke on one socket, by what they call themselves. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = ""
        self._displaced: deque[str] = deque(maxlen=_MOST)

    def is_back(self, who: str) -> bool:
        """Whether the one who comes now was displaced by another before: whoever is started anew calls itself something new."""
        with self._lock:
            if not who or who == self._now:
                return False
            if self._now:
                self._displaced.append(self._now)
            self._now = who
            return who in self._displaced
