"""The kernel's side of the waiting room: connections that live, or ended a short while ago."""

import numpy as np
from numpy.typing import NDArray

from unmasq.base.telemetry import Counters
from unmasq.join.alike import Alike, Key
from unmasq.join.connections import COUNTS, ORIGINAL, SEEN_AS, SENT_AS, SOURCE, TUPLE, Connections, Growing, tuples
from unmasq.join.keys import UNKNOWN
from unmasq.join.leaving import crowding
from unmasq.join.pairing import adopt, bit, partners
from unmasq.join.rounds import in_rounds
from unmasq.join.settings import WindowSettings
from unmasq.join.shares import Shares, counted
from unmasq.model.columns import Array
from unmasq.model.connection import ConnectionBatch, ConnectionEvent, Witnessed
from unmasq.model.groups import distinct
from unmasq.model.index import Keys, index, keyed, packed

_TOTALS = ("bytes_orig", "bytes_reply", "packets_orig", "packets_reply")


class ConnectionTable:
    """Connections by tuple. Owned by one window; bounded, and what does not fit is counted."""

    def __init__(self, settings: WindowSettings, counters: Counters, began_us: int) -> None:
        self._settings, self._counters, self._began_us = settings, counters, began_us
        self._all = Growing()
        self.alike = Alike()
        self._of_sources: Alike | None = None
        self._by_id = index(2 + len(SEEN_AS))
        self._told_by: set[int] = set()
        self._serial = 0
        self._gone = 0
        self.shares: list[Shares] = []
        """What was counted and not handed on yet."""
        self.forgotten_us = 0
        """A connection that was there at that time, or earlier, may be unknown: there was no room for it any more."""

    def __len__(self) -> int:
        return len(self._all) - self._gone

    @property
    def rows(self) -> Connections:
        """All connections, those that are gone too. What changes in its columns changes in the table."""
        return self._all.rows

    def apply(self, batch: ConnectionBatch) -> Array:
        """Take what the kernel said; returns the serials of connections that were not known before."""
        begun = [np.zeros(0, "i8")]
        witnesses = distinct(batch.witness).tolist()
        self._told_by.update(witnesses)
        for witness in witnesses:
            events = batch.take(batch.witness == witness) if len(witnesses) > 1 else batch
            begun += map(self._apply, in_rounds(events))
        return np.concatenate(begun)

    def _apply(self, events: ConnectionBatch) -> Array:
        """The same for events of distinct entries of one witness."""
        entries = keyed([events.witness, events.id, *tuples(events, SEEN_AS)])
        serials = self._by_id.find(entries)
        fresh = (serials == 0) | self._are_others(serials, events.start_us)
        serials[fresh] = self._met(events.take(fresh))
        known = serials > 0
        begun: Array = serials[fresh & known]
        self._by_id.put(entries[fresh & known], begun)
        self._update(self.rows.rows_of(serials[known]), events if known.all() else events.take(known))
        over = known & (events.event == ConnectionEvent.DESTROY)
        self._by_id.drop(entries[over], serials[over])
        return begun

    def keys_of(self, serials: Array) -> set[Key]:
        """The tuples of connections, and, where lines without their own end were met, the sources."""
        named = self._of(serials)
        sources = [] if self._of_sources is None else packed(keyed(tuples(named, SOURCE)))
        return {*packed(keyed(tuples(named))), *sources}

    def of_sources(self) -> Alike:
        """The connections by what a line names of them that lacks its own end. Kept from the first such line on: most logs have none."""
        if self._of_sources is None:
            known = self.rows.take(~self.rows.is_gone)
            self._of_sources = Alike(len(SOURCE), self._settings.most_connections)
            self._of_sources.put(keyed(tuples(known, SOURCE)), known.serial)
        return self._of_sources

    def _met(self, events: ConnectionBatch) -> Array:
        """The connections of new entries: those that the other witness has seen already, else new ones; 0: no room."""
        if len(self._told_by) == 1:
            return self._begin(events)
        serials = partners(events, self.rows, self.alike)
        known = serials > 0
        adopt(self.rows, self.rows.rows_of(serials[known]), events.take(known))
        serials[~known] = self._begin(events.take(~known))
        return serials

    def _are_others(self, serials: Array, start_us: Array) -> NDArray[np.bool_]:
        """Whether entries with a known id and tuple are later connections: the kernel uses its ids again."""
        known = serials > 0
        end_us = np.zeros(len(serials), "i8")
        end_us[known] = self._end_us(serials[known])
        later: NDArray[np.bool_] = (start_us > end_us) & (end_us > 0)
        return later

    def _update(self, rows: NDArray[np.int64], events: ConnectionBatch) -> None:
        known, seen_us = self.rows, events.seen_us
        known.seen_us[rows], known.absent[rows] = seen_us, 0
        known.is_listed[rows] = np.where(
            events.witness == Witnessed.CONNTRACK, events.event != ConnectionEvent.DESTROY, known.is_listed[rows]
        )
        totals = np.where(events.witness == known.counts_of[rows], np.stack([getattr(events, name) for name in _TOTALS]), UNKNOWN)
        shares = counted(known, rows, totals, seen_us, self._settings.interval_us)
        if len(shares):
            self.shares.append(shares)
        started = (events.start_us > 0) & (events.event != ConnectionEvent.NEW)
        known.start_us[rows[started]] = known.earliest_us[rows[started]] = events.start_us[started]
        ended = (events.stop_us > 0) | (events.event == ConnectionEvent.DESTROY)
        stop_us = np.where(events.stop_us > 0, events.stop_us, seen_us)
        before_us = known.end_us[rows]
        known.end_us[rows[ended]] = np.where(before_us > 0, np.minimum(before_us, stop_us), stop_us)[ended]

    def _begin(self, events: ConnectionBatch) -> Array:
        """New connections; returns their serials, 0 for those that found no room."""
        serials = np.zeros(len(events), "i8")
        count = min(len(events), max(0, self._settings.most_connections - len(self)))
        serials[:count] = np.arange(self._serial + 1, self._serial + 1 + count)
        self._counters.add("window_dropped_connections", len(events) - count, "full")
        self.forgotten_us = int(events.seen_us[count:].max(initial=self.forgotten_us))
        events = events if count == len(events) else events.take(np.arange(count))
        begun = _begun(events, serials[:count], self._earliest_us(events), self._began_us)
        self._serial += count
        before = len(self._all)
        self._all.add(begun)
        self._gone -= before + count - len(self._all)
        crowded_out = self.alike.put(keyed(tuples(begun)), begun.serial)
        self._counters.add("window_dropped_connections", len(crowded_out), "same_port")
        if self._of_sources is not None:
            self._of_sources.put(keyed(tuples(begun, SOURCE)), begun.serial)
            self._forget_sources(self._of(np.array(crowded_out, "i8")))
        return serials

    def _earliest_us(self, events: ConnectionBatch) -> Array:
        """When each can have begun at the earliest; where the kernel gives no time stamp, not before the last one of its tuple ended."""
        serials, _ = self.alike.newest(keyed(tuples(events, SEEN_AS)))
        before_us = np.zeros(len(events), "i8")
        before_us[serials > 0] = self._end_us(serials[serials > 0])
        return np.where(events.start_us > 0, events.start_us, np.maximum(events.after_us, before_us))

    def _of(self, serials: Array) -> Connections:
        rows = self.rows
        return rows.take(rows.rows_of(serials))

    def _end_us(self, serials: Array) -> Array:
        ends: Array = self.rows.end_us[self.rows.rows_of(serials)]
        return ends

    def are_open(self, serials: Array) -> NDArray[np.bool_]:
        """Which connections have not ended; 0 is none."""
        found: NDArray[np.bool_] = serials > 0
        found[found] = self._end_us(serials[found]) == 0
        return found

    def dumped(self, began_us: int) -> None:
        """A whole dump that began then was applied: what two of them in a row do not show has ended, and its end was lost.

        It is of all witnesses: whoever sees a connection keeps it alive.
        """
        known = self.rows
        missed = ((known.end_us == 0) | known.is_listed) & (known.seen_us < began_us) & ~known.is_gone
        known.absent[missed] += np.uint8(1)
        absent = missed & (known.absent > 1)
        known.is_listed[absent] = False
        lost = absent & (known.end_us == 0)
        known.end_us[lost] = began_us
        self._counters.add("connections_end_lost", int(lost.sum()))

    def requested(self, serials: Array, *, partial: bool = False) -> None:
        """Count lines that joined: each by the serial of its connection. Those that are `partial` did not name their own end."""
        rows = self.rows
        at = rows.rows_of(serials)
        if partial:
            rows.is_partial[at] = True
        np.add.at(rows.requests, at, 1)
        np.add.at(rows.held, at, 1)

    def held(self) -> int:
        """How many connections have lines in the room."""
        return int(np.count_nonzero(self.rows.held))

    def released(self, serials: Array, intervals_us: Array) -> None:
        """Lines that joined have left the room, with their intervals: what is counted from now on goes to a later one."""
        rows = self.rows
        at = rows.rows_of(serials)
        np.subtract.at(rows.held, at, 1)
        np.maximum.at(rows.closed_us, at, intervals_us)

    def named(self, serials: Array) -> Connections:
        """The connections with these serials; 0 is none."""
        named = distinct(serials)
        return self._of(named[named > 0])

    def make_room(self, now_us: int, rest: NDArray[np.bool_]) -> None:
        """Where a quarter of the room is not free any more, let the longest ended leave before their time, none of `rest`."""
        excess = len(self) - self._settings.most_connections * 3 // 4
        if excess <= 0:
            return
        early = np.zeros(len(rest), "?")
        early[crowding(self.rows, self._settings, now_us, excess)] = True
        early &= ~rest
        self._counters.add("window_forgotten_connections", int(early.sum()))
        self.forgotten_us = int(self.rows.end_us[early].max(initial=self.forgotten_us))
        self.forget(early)

    def forget(self, over: NDArray[np.bool_]) -> None:
        """Drop the rows of which nothing more is expected."""
        rows = self.rows
        leaving = rows.take(over)
        rows.is_gone[over] = True
        self._gone += len(leaving)
        self.alike.forget(keyed(tuples(leaving)), leaving.serial)
        if self._of_sources is not None:
            self._forget_sources(leaving)
        for witness in Witnessed:
            self._by_id.drop(_entries_of(leaving, witness), leaving.serial)

    def _forget_sources(self, leaving: Connections) -> None:
        self.of_sources().forget(keyed(tuples(leaving, SOURCE)), leaving.serial)


def _entries_of(connections: Connections, witness: Witnessed) -> Keys:
    """The keys of connections among the entries of this witness, whether it has seen them or not."""
    ids = connections.id if witness == Witnessed.CONNTRACK else connections.socket_id
    return keyed([np.full(len(ids), int(witness)), ids, *tuples(connections)])


def _begun(events: ConnectionBatch, serials: Array, earliest_us: Array, began_us: int) -> Connections:
    ends = {name: getattr(events, told) for name, told in zip((*TUPLE, *ORIGINAL[1:]), (*SEEN_AS, *SENT_AS[1:]), strict=True)}
    return Connections.filled(
        len(events),
        serial=serials,
        witnesses=bit(events.witness),
        counts_of=events.witness,
        id=events.id,
        socket_id=np.where(events.witness == Witnessed.SOCKET, events.id, 0),
        **ends,
        start_us=np.where(events.start_us > 0, events.start_us, events.seen_us),
        earliest_us=earliest_us,
        is_inherited=earliest_us < began_us,
        closed_us=-1,
        **dict.fromkeys(COUNTS, UNKNOWN),
    )
