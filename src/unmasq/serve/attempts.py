"""How often somebody may be wrong: whoever guesses tokens waits for the wrong guesses that came from the same place."""

import ipaddress
import threading
from collections import deque

from unmasq.base.clock import MICROSECONDS, Clock

MOST = 20
WITHIN_US = 60 * MICROSECONDS
MOST_PLACES = 1000
"""That are remembered; of more those that were wrong longest ago are forgotten."""

_NETWORK_BITS = 64  # of IPv6: whoever has one address there has them all


class Attempts:
    """Any thread may call. A place is the address of whoever asks: nobody is kept out by what somebody elsewhere does."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._failed: dict[str, deque[int]] = {}

    def may(self, address: str) -> bool:
        """Whether another attempt from there is looked at."""
        with self._lock:
            failed = self._failed.get(_place(address))
            return failed is None or len(failed) < MOST or self._clock.now_us() - failed[0] > WITHIN_US

    def failed(self, address: str) -> None:
        """Count one that was wrong."""
        place = _place(address)
        with self._lock:
            failed = self._failed.pop(place, None) or deque(maxlen=MOST)
            failed.append(self._clock.now_us())
            self._failed[place] = failed
            if len(self._failed) > MOST_PLACES:
                del self._failed[next(iter(self._failed))]


def _place(address: str) -> str:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if not isinstance(known, ipaddress.IPv6Address):
        return address
    return str(known.ipv4_mapped or ipaddress.IPv6Network((int(known), _NETWORK_BITS), strict=False))
