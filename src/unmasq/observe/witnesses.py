"""Several witnesses as one: the host's conntrack and the sockets of pods, which come and go."""

import select
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from unmasq.base.clock import Clock
from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import namespace
from unmasq.observe.feed import Feed
from unmasq.observe.pace import Pace


class Place(NamedTuple):
    """What a witness watches: one feed of one namespace, our own where it is None."""

    space: str | None
    feed: Feed

    @property
    def name(self) -> str:
        """For people: `conntrack in this namespace`."""
        return f"{self.feed.name} in {f'namespace {self.space}' if self.space else 'this namespace'}"


class Member(Protocol):
    """A witness of one place."""

    def fileno(self) -> int: ...
    def read(self) -> ConnectionBatch: ...
    def dump_due(self, now_us: int) -> bool: ...
    def dump(self) -> ConnectionBatch: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class _Open:
    """A member, and the namespace that it was opened in."""

    witness: Member
    identity: tuple[int, int]


class Witnesses:
    """The methods of `Witness` over those of many places, in the order in which they were added.

    What goes wrong in one place is counted (`witness_failed`), is explained in `troubles` until it is over, and is tried
    again at each dump; the others go on. A namespace that went away is let go, since our sockets would keep it alive.
    """

    def __init__(self, open_member: Callable[[Place], Member], counters: Counters, clock: Clock) -> None:
        self._open_member, self._counters, self._clock = open_member, counters, clock
        self._epoll, self._pace = select.epoll(), Pace()
        self._places: dict[Place, _Open | None] = {}
        self._troubles: dict[Place, KernelError] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop watching. Twice is fine."""
        for place in list(self._places):
            self.remove(place)
        self._epoll.close()

    def add(self, place: Place) -> None:
        """Watch one more place, from now on or from when that is possible. Again is fine."""
        if place not in self._places:
            self._places[place] = self._opened(place)

    def remove(self, place: Place) -> None:
        """Watch a place no more. Again is fine."""
        self._let_go(place)
        self._places.pop(place, None)
        self._troubles.pop(place, None)

    @property
    def places(self) -> list[Place]:
        """What is to be watched."""
        return list(self._places)

    @property
    def troubles(self) -> Mapping[Place, KernelError]:
        """The places that cannot be watched now, each with what is wrong there."""
        return dict(self._troubles)

    def fileno(self) -> int:
        """A descriptor that is readable when one of them has something to `read`."""
        return self._epoll.fileno()

    def read(self) -> ConnectionBatch:
        """What has arrived, in the order of the places. Never waits."""
        ready = {descriptor for descriptor, _ in self._epoll.poll(0)}
        # The last one is asked first: conntrack, which is told first, then knows of every connection that a socket ended.
        parts = [self._asked(place, lambda one: one.read()) for place, one in self._reversed() if one.fileno() in ready]
        return ConnectionBatch.concat(parts[::-1])

    def dump_due(self, now_us: int) -> bool:
        """Whether one of them is due, or it is time to look again for one that cannot be watched."""
        return any(one.dump_due(now_us) for _, one in self._reversed()) or (bool(self._troubles) and self._pace.due(now_us, urgent=False))

    def dump(self) -> ConnectionBatch:
        """The tables of all of them: whatever nobody shows is not there."""
        began_us = self._clock.now_us()
        for place in list(self._places):
            self._look_after(place)
        parts = [self._asked(place, lambda one: one.dump()) for place, _ in self._reversed()]
        self._pace.dumped(began_us, self._clock.now_us())
        return ConnectionBatch.concat(parts[::-1])

    def _reversed(self) -> Iterator[tuple[Place, Member]]:
        return iter([(place, held.witness) for place, held in reversed(self._places.items()) if held is not None])

    def _opened(self, place: Place) -> _Open | None:
        try:
            # The identity first: if the namespace is exchanged meanwhile, the next look tells.
            held = _Open(identity=namespace.identity(place.space), witness=self._open_member(place))
        except KernelError as error:
            self._failed(place, error)
            return None
        self._epoll.register(held.witness.fileno(), select.EPOLLIN)
        self._troubles.pop(place, None)
        return held

    def _look_after(self, place: Place) -> None:
        """Let a namespace go that is gone, and open what is not open."""
        held = self._places[place]
        try:
            if held is not None and namespace.identity(place.space) != held.identity:
                self._let_go(place)
        except KernelError as error:
            self._let_go(place)
            self._failed(place, error)
            return
        if self._places[place] is None:
            self._places[place] = self._opened(place)

    def _asked(self, place: Place, question: Callable[[Member], ConnectionBatch]) -> ConnectionBatch:
        held = self._places[place]
        try:
            return question(held.witness) if held is not None else ConnectionBatch.empty()
        except KernelError as error:
            self._let_go(place)
            self._failed(place, error)
            return ConnectionBatch.empty()

    def _failed(self, place: Place, error: KernelError) -> None:
        if place not in self._troubles:
            self._counters.add("witness_failed", reason=place.feed.name)
        self._troubles[place] = error

    def _let_go(self, place: Place) -> None:
        held = self._places.get(place)
        if held is not None:
            self._epoll.unregister(held.witness.fileno())
            held.witness.close()
            self._places[place] = None
