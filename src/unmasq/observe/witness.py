"""The witness: what the kernel tells of the connections to listeners in one namespace, live and complete.

Events say what begins and ends; a dump of the table says what is there, with counters up to now, and heals what an
overrun lost. It cannot bring back what came and went meanwhile: entries of TCP stay in conntrack for 120 s, others and
sockets do not.
"""

from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np

from unmasq.base.clock import Clock
from unmasq.base.telemetry import Counters
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import namespace
from unmasq.observe.events import BUFFER_BYTES, EventStream
from unmasq.observe.feed import CONNTRACK, Feed
from unmasq.observe.listeners import Listeners
from unmasq.observe.pace import Pace
from unmasq.observe.table import Table

_MOST_EVENTS = 8192  # 0.1 s of work: between two reads the caller can dump, join and be stopped


class Witness:
    """The connections to our listeners in one namespace: a name, a path, or None for our own.

    `read` when `fileno` is readable, `dump` when `dump_due`; both give rows of listeners only. Needs CAP_SYS_ADMIN and
    CAP_NET_ADMIN. Everything raises KernelError. Counts `_events` after the name of the feed; the rest is counted by its
    parts: see EventStream, Table, Listeners and the feed's intake.
    """

    def __init__(
        self,
        space: str | None,
        counters: Counters,
        clock: Clock,
        listeners: Listeners,
        *,
        feed: Feed = CONNTRACK,
        buffer_bytes: int = BUFFER_BYTES,
    ) -> None:
        self._feed, self._counters, self._clock, self._listeners = feed, counters, clock, listeners
        self._pace, self._intake = Pace(), feed.intake(counters, listeners)
        self._shown_us, self._shown_of = 0, 0
        self._events = EventStream(feed, space, counters, buffer_bytes)
        try:
            self._table = Table(feed, namespace.socket_in(space, feed.protocol), counters, clock, self._intake)
        except BaseException:
            self._events.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening. Twice is fine."""
        self._events.close()
        self._table.close()

    def fileno(self) -> int:
        """The descriptor that becomes readable when there is something to `read`."""
        return self._events.fileno()

    def read(self) -> ConnectionBatch:
        """NEW and DESTROY of what has arrived, in order, at most 8192 events of it. Never waits."""
        datagrams = self._events.drain(_MOST_EVENTS)
        self._counters.add(f"{self._feed.name}_events", len(datagrams))
        return self._bounded(self._intake.take(datagrams, self._clock.now_us()))

    def dump_due(self, now_us: int) -> bool:
        """Whether it is time for a dump: every 5 s, less often where it takes long, soon after an overrun."""
        return self._pace.due(now_us, urgent=self._events.unhealed > 0)

    def dump(self) -> ConnectionBatch:
        """The whole table, with counters up to now."""
        began_us, known = self._clock.now_us(), self._listeners.changes
        batch = self._bounded(self._table.read())
        self._pace.dumped(began_us, self._clock.now_us())
        self._events.heal()
        self._shown_us, self._shown_of = began_us, known
        return batch

    def _bounded(self, batch: ConnectionBatch) -> ConnectionBatch:
        """The rows with the time before which they were not there: whoever is new began after the last dump.

        Not so where a listener was learned since: that dump passed its connections over.
        """
        after_us = self._shown_us if self._shown_of == self._listeners.changes else 0
        return replace(batch, after_us=np.full(len(batch), after_us))
