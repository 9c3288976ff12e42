"""The newest picture of what is not on disk yet, and those that somebody still looks at, as tables that questions read."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import NamedTuple

import duckdb

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.keep.ask.sources import Source
from unmasq.keep.day.memory import Making, Memory
from unmasq.keep.picture import Picture, waiting_makings
from unmasq.keep.waiting import Part
from unmasq.model.openpart import OpenPart

EXPECTED_US = 3 * MICROSECONDS
"""How long after a question the next one is expected."""

Snapshot = Callable[[Collection[Hashable]], Sequence[OpenPart]]
"""The open flows; of the parts whose serials it is told, only these."""


class Pictured(NamedTuple):
    """What makes the tables of a picture, and of what waits since so many changes."""

    picture: Picture
    still_open: Mapping[Hashable, Making]
    changes: int
    waiting: Mapping[Hashable, Making]


class Pictures:
    """Whoever calls `now` and `are_due` holds a lock, and nobody who calls `sources` does: to make tables takes a while."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, clock: Clock, snapshot: Snapshot, dropped: Callable[[str], object]) -> None:
        """`dropped` is told the names of databases that are no more."""
        self._clock, self._snapshot = clock, snapshot
        self._closed_flows, self._open_flows = (Memory(connection, name, dropped) for name in ("waiting", "open"))
        self._newest, self._asked_us = Picture(0, -1, 0, ()), -EXPECTED_US

    def are_due(self, changes: int, now_us: int) -> bool:
        """Whether a new one is to be made before anybody asks: somebody did a moment ago, and the newest one is not fresh."""
        return 0 <= now_us - self._asked_us < EXPECTED_US and not self._newest.is_fresh(changes, now_us)

    def now(self, stack: ExitStack, changes: int, waiting: Mapping[Hashable, Part], now_us: int, *, is_new: bool = False) -> Pictured:
        """What is not on disk now, or was not a moment ago; `is_new` where nobody asks and a new one is due."""
        known = stack.enter_context(self._open_flows.pinned())
        self._asked_us = self._asked_us if is_new else now_us
        if is_new or not self._newest.is_good(changes, now_us):
            self._newest = Picture(self._newest.number + 1, changes, now_us, self._snapshot(known))
        return Pictured(self._newest, self._newest.makings(), changes, waiting_makings(changes, waiting))

    def sources(self, stack: ExitStack, of: Pictured, moment: AbstractContextManager[object]) -> list[Source]:
        """The tables of a picture, as long as the stack is not unwound; `moment` is the lock of `now`."""
        open_names = stack.enter_context(self._open_flows.holding(of.picture.number, of.still_open))
        closed_names = stack.enter_context(self._closed_flows.holding(of.changes, of.waiting))
        with moment:
            of.picture.made(self._clock.now_us())
        closed = [Source(name, stamp=name) for name in closed_names]
        return [*(Source(name, provisional=True, stamp=name) for name in open_names), *closed]
