"""What a server makes of the translations that nodes tell: it completes the flows that come, and those that it has stored.

Flows are stored and acknowledged at once, with or without a record. A record that comes after its flow, or too shortly
before it to be sure of it, completes the stored one.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmasq.base.clock import DAY_US, MICROSECONDS, Clock
from unmasq.base.errors import StoreError
from unmasq.base.telemetry import Counters
from unmasq.join.records import Marks, Records, among
from unmasq.join.remote import matched, waiting
from unmasq.keep.duck import DuckStore
from unmasq.keep.remote.amend import amend, waiting_tuples
from unmasq.keep.remote.completing import complete
from unmasq.keep.remote.ends import Ends, ends_of
from unmasq.model.address import Range
from unmasq.model.flowbatch import FlowBatch, FlowColumns
from unmasq.model.groups import distinct
from unmasq.model.translation import Translations
from unmasq.observe.listeners import Listener

MOST_WAITING = 200_000
"""Stored flows without a record whose tuples are remembered."""
LOOK_US = 3 * MICROSECONDS
"""How often stored flows are amended at most."""

_SHARE = 4  # times the length of the last amending: it takes at most a fifth of the time
_DAYS = 2  # with flows, the newest: of older ones nothing is remembered over a restart


class Completed(NamedTuple):
    """A batch, how many of its flows have got a record, and those that wait for one."""

    batch: FlowBatch
    flows: int
    without: FlowColumns


class Amendment(NamedTuple):
    """Records that have settled, of tuples of which flows are stored without, and the days of these."""

    marks: Marks
    records: Translations
    days: frozenset[int]


class RemoteFlows:
    """`complete`, `note` and `due` by one thread at a time, `amend` by one; what was completed before `due` is on disk before `amend`.

    Counts `remote_flows`: completed `at_once`, stored `without` a record, of which later `amended`; and `remote_forgotten`:
    stored `flows` of which so many wait that the oldest get no record any more, and `listeners` of which no node is told any
    more until they are met again. The records are counted by Records.
    """

    def __init__(
        self,
        store: DuckStore,
        records: Records,
        node_ranges: Callable[[], Sequence[Range]],
        clock: Clock,
        counters: Counters,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """`node_ranges` are the addresses of nodes, as they are known now."""
        self._store, self._records, self._node_ranges = store, records, node_ranges
        self._clock, self._counters = clock, counters
        self._waiting, self._ends = _Waiting(most_waiting), Ends()
        self._rest_us, self._looked_us = LOOK_US, clock.now_us()
        self._recall()

    @property
    def listeners(self) -> Sequence[Listener]:
        """Where connections arrived that somebody else translated. Any thread may ask."""
        return self._ends.known

    def complete(self, batch: FlowBatch) -> Completed:
        """Take the records of a batch, and complete its flows by those that have settled."""
        now_us = self._clock.now_us()
        self._records.hear(batch.translations, now_us)
        waits = waiting(batch.flows)
        if not waits.any():
            return Completed(batch, 0, FlowColumns.empty())
        self._learn(batch.flows.take(waits))
        records = self._records.settled(self._records.marks(batch.flows.take(waits)), now_us)
        found = matched(batch.flows, records)
        waits[found.flows] = False
        without = batch.flows.take(waits)
        if len(found.flows):
            batch = complete(batch, records, found, self._node_ranges(), self._store.control.trust_list())
        return Completed(batch, len(found.flows), without)

    def note(self, done: Completed) -> None:
        """A batch was taken that was not here before: its flows may wait for their records."""
        self._counters.add("remote_flows", done.flows, "at_once")
        self._counters.add("remote_flows", len(done.without), "without")
        self._wait(done.without, done.without.interval_start_us // DAY_US)

    def due(self) -> Amendment | None:
        """What is to be amended now; None where there is nothing, or where it is not time yet."""
        now_us = self._clock.now_us()
        if 0 <= now_us - self._looked_us < self._rest_us:
            return None
        self._looked_us, self._rest_us = now_us, LOOK_US
        self._records.forget(now_us)
        marks, days = self._waiting.among(self._records.news(now_us))
        return Amendment(marks, self._records.settled(marks, now_us), days) if len(marks) else None

    def amend(self, due: Amendment) -> None:
        """Complete stored flows. Raises StoreError; then `renew`."""
        began_us = self._clock.now_us()
        for done in amend(self._store, due.records, self._node_ranges(), due.days):
            self._counters.add("remote_flows", done.flows, "amended")
        self._rest_us = max(LOOK_US, _SHARE * (self._clock.now_us() - began_us))

    def renew(self, due: Amendment) -> None:
        """What was due could not be done: it is due again."""
        self._records.renew(due.marks)

    def _recall(self) -> None:
        """Remember the flows that an earlier process stored. A day that cannot be read holds nobody up."""
        for day in reversed(self._store.days.days()[:_DAYS]):
            try:
                self._learn(ends_of(self._store, day))
                self._wait(waiting_tuples(self._store, day), day)
            except StoreError:
                self._counters.add("store_failed")

    def _learn(self, flows: FlowColumns) -> None:
        self._counters.add("remote_forgotten", self._ends.learn(flows), "listeners")

    def _wait(self, flows: FlowColumns, day: int | NDArray[np.int64]) -> None:
        forgotten = self._waiting.add(self._records.marks(flows), np.broadcast_to(day, len(flows)))
        self._counters.add("remote_forgotten", forgotten, "flows")


class _Waiting:
    """The tuples of stored flows that wait for a record, and the days that these lie in; a bounded number, the newest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._marks, self._days = np.zeros(0, "u8"), np.zeros(0, "i8")

    def add(self, marks: Marks, days: NDArray[np.int64]) -> int:
        """Remember tuples; returns how many were forgotten for that."""
        if not len(marks):
            return 0
        self._marks = np.concatenate([self._marks, marks])
        self._days = np.concatenate([self._days, days])
        over = max(0, len(self._marks) - self._most)
        self._marks, self._days = self._marks[over:], self._days[over:]
        return over

    def among(self, marks: Marks) -> tuple[Marks, frozenset[int]]:
        """Which of these tuples, sorted, somebody waits for, and the days of those."""
        wanted = among(self._marks, marks)
        return distinct(self._marks[wanted]), frozenset(distinct(self._days[wanted]).tolist())
