"""Finding out whether the data plane bypasses the conntrack that is watched: with eBPF it may forward without it."""

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.find.ways import FEW, is_blind
from unmasq.observe import dataplane, families, switches
from unmasq.observe.listeners import Listeners

PATIENCE_US = 12 * MICROSECONDS
"""Sockets of which some must be used meanwhile, since there are lines: whatever tracks picks them up then."""

_SOON_US, _LATE_US = 5 * MICROSECONDS, 60 * MICROSECONDS


class Bypass:
    """Looks while conntrack shows nothing, or next to nothing, of what lines name; what was found once stays found.

    Conntrack is bypassed where sockets of our listeners are open in other namespaces and it shows next to none of them, and
    that for 12 s, though it tracks connections of their family, or the data plane is known for bypassing it.
    """

    def __init__(self, space: str | None, listeners: Listeners, counters: Counters, clock: Clock) -> None:
        self._space, self._listeners, self._counters, self._clock = space, listeners, counters, clock
        self._looked_us, self._rest_us = clock.now_us(), _SOON_US
        self._since_us: int | None = None
        self._is_found = False

    def is_found(self) -> bool:
        """Whether it is bypassed. Looks into namespaces every few seconds at most, and only where something is wrong."""
        now_us = self._clock.now_us()
        if not self._is_found and not 0 <= now_us - self._looked_us < self._rest_us:
            self._looked_us = now_us
            self._is_found = self._is_suspect() and self._look(now_us)
        return self._is_found

    def _is_suspect(self) -> bool:
        """Whether lines came whose connections conntrack did not show."""
        shows_nothing = not self._counters.of("connections_seen") and self._counters.of("lines_read") > 0
        return len(self._listeners) > 0 and (shows_nothing or is_blind(self._counters.by_reason("requests_joined")))

    def _look(self, now_us: int) -> bool:
        if not self._has_evidence():
            self._since_us, self._rest_us = None, min(2 * self._rest_us, _LATE_US)
            return False
        self._since_us, self._rest_us = self._since_us or now_us, _SOON_US
        return not 0 <= now_us - self._since_us < PATIENCE_US

    def _has_evidence(self) -> bool:
        try:
            tracked = self._families()
            shown, total = dataplane.shown_of_sockets(self._space, self._listeners, self._clock, tracked) if tracked else (0, 0)
        except KernelError:  # what cannot be looked at proves nothing; the witness tells of it
            return False
        return total > 0 and shown <= FEW * total

    def _families(self) -> frozenset[str]:
        """Those of which conntrack would show a connection if it were not bypassed."""
        if dataplane.known_by(dataplane.interfaces(self._space)):
            return families.BOTH
        return frozenset() if switches.state(self._space).off else families.tracked(self._space)
