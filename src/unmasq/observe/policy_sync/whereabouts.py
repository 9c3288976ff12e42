"""Where a pod is on the network: the addresses at which it can accept connections, as its node sees them.

They are those of the pod's network namespace, which any process of the pod leads to (`unmasq.observe.processes`). That takes a
node that sees the host's processes, and is in the host's network.
"""

from collections.abc import Callable

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import KernelError
from unmasq.observe import namespace
from unmasq.observe.processes import Processes, of_the_pod

Ends = frozenset[tuple[int, int]]
"""Addresses (hi, lo)."""

MOST_PROCESSES = 1 << 22
"""The kernel has no more: all are looked at at once, since a younger process may have made a namespace of its own."""
_AGAIN_US = 30 * MICROSECONDS


def addresses_of(uid: str, processes: Processes) -> Ends | None:
    """The addresses of the pod with this UID; None where no process of it can be seen, or its namespace cannot be entered."""
    try:
        chosen = of_the_pod(processes.of_pods({uid} if uid else ()), namespace.identity(None))
        return frozenset(namespace.addresses(chosen.space)) if chosen else None
    except KernelError:  # it ended meanwhile, or we may not
        return None


class Whereabouts:
    """The addresses of one pod, looked up again at most every 30 s; what was known last stays known. Any thread may ask."""

    def __init__(self, look: Callable[[], Ends | None], clock: Clock) -> None:
        self._look, self._clock = look, clock
        self._ends: Ends | None = None
        self._looked_us: int | None = None

    def ends(self) -> Ends | None:
        """None where they cannot be known."""
        now_us = self._clock.now_us()
        if self._looked_us is None or abs(now_us - self._looked_us) >= _AGAIN_US:
            self._looked_us = now_us
            self._ends = self._look() or self._ends
        return self._ends
