"""What a node sees of the kernel: conntrack in one namespace, and sockets in those of proxies."""

from collections.abc import Callable, Mapping
from pathlib import Path

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.node.bypass import Bypass
from unmasq.node.watch import Watch
from unmasq.observe import namespace
from unmasq.observe.feed import CONNTRACK, SOCKETS
from unmasq.observe.listeners import Listeners
from unmasq.observe.podspaces import Around, Identity, PodSpaces
from unmasq.observe.processes import Processes
from unmasq.observe.witness import Witness
from unmasq.observe.witnesses import Place, Witnesses

_LOOK_US = MICROSECONDS


class Sight:
    """Opens what is to be watched, and keeps the sockets of pods watched where a person asks for it or conntrack is bypassed.

    Conntrack suffices where it sees the connections of pods: then their namespaces are not even sought.
    """

    def __init__(self, watch: Watch, listeners: Listeners, counters: Counters, clock: Clock) -> None:
        """Raises KernelError where a named namespace cannot be watched; what else cannot be watched now is tried again later."""
        self._watch, self._listeners, self._counters, self._clock = watch, listeners, counters, clock
        self.blind: KernelError | None = None
        self.witnesses = Witnesses(self._open, counters, clock)
        try:
            self._watch_kernel()
            for space in watch.sockets:
                self.witnesses.add(Place(space, SOCKETS))
        except BaseException:
            self.witnesses.close()
            raise
        self._is_tracked = Place(watch.namespace, CONNTRACK) in self.witnesses.places
        self._bypass = Bypass(watch.namespace, listeners, counters, clock) if self._is_tracked else None
        self._spaces = PodSpaces(Processes(Path(watch.proc), counters), counters)
        self._of_pods: dict[Identity, Place] = {}
        self._looked_us: int | None = None
        self.pod_sockets = "asked" if watch.pod_sockets else None
        """Why the sockets of pods are watched: `asked` or `bypassed`; None while they are not."""

    @property
    def is_open(self) -> bool:
        """Whether anything is to be watched, now or when there are pods."""
        return bool(self.witnesses.places) or self.pod_sockets is not None

    @property
    def pods_missing(self) -> Mapping[str, str]:
        """NAMESPACE/POD of those whose sockets should be watched and are not -> why."""
        return self._spaces.missing

    def look(self, pods_now: Callable[[], Mapping[str, str]]) -> None:
        """See to the pods that there are now, UID -> NAMESPACE/POD; once a second."""
        now_us = self._clock.now_us()
        if self._looked_us is not None and 0 <= now_us - self._looked_us < _LOOK_US:
            return
        self._looked_us, pods = now_us, pods_now()
        if self.pod_sockets is None and self._bypass and pods and self._bypass.is_found():
            self.pod_sockets = "bypassed"
        if self.pod_sockets is not None:
            self._spaces.look(pods, self._around(), now_us)
            self._watch_pods()

    def _watch_kernel(self) -> None:
        """A namespace that was named and cannot be watched is an error; our own is left alone then."""
        place = Place(self._watch.namespace, CONNTRACK)
        if not self._watch.kernel:
            return
        self.witnesses.add(place)
        error = self.witnesses.troubles.get(place)
        if error and self._watch.namespace:
            raise error
        if error:
            self.witnesses.remove(place)
            self.blind = error

    def _open(self, place: Place) -> Witness:
        return Witness(place.space, self._counters, self._clock, self._listeners, feed=place.feed)

    def _around(self) -> Around:
        """The host's namespace is watched where its conntrack is; those that were named are watched as they are."""
        host = _identity(self._watch.namespace)
        named = {_identity(space) for space in self._watch.sockets} | ({host} if self._is_tracked else set())
        return Around(host, {identity for identity in named if identity is not None})

    def _watch_pods(self) -> None:
        """Watch the namespaces that are found now, by the paths by which they are found now."""
        wanted = {identity: Place(path, SOCKETS) for identity, path in self._spaces.found.items()}
        for identity, place in self._of_pods.items():
            if wanted.get(identity) != place:
                self.witnesses.remove(place)
        for place in wanted.values():
            self.witnesses.add(place)
        self._of_pods = wanted


def _identity(space: str | None) -> Identity | None:
    try:
        return namespace.identity(space)
    except KernelError:
        return None
