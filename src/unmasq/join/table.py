"""The kernel's side of the waiting room: connections that live, or ended a short while ago.

The key is the reversed reply tuple of the conntrack entry, which is what the proxy's socket saw in every NAT case.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from unmasq.base.clock import MICROSECONDS
from unmasq.base.telemetry import Counters
from unmasq.join.calendar import Calendar
from unmasq.join.settings import WindowSettings
from unmasq.model.columns import Array
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.model.groups import distinct

Key = tuple[int, int, int, int, int, int, int]
"""protocol, source hi, lo, port, destination hi, lo, port: as the proxy's socket saw them."""

SLACK_US = MICROSECONDS  # a line's time may be cut to the second, and two clocks of one machine differ a little
_UNKNOWN = -1


@dataclass(slots=True)
class Connection:
    """One connection. Counts are IP-layer bytes and packets to and from the proxy since its start, -1 while unknown."""

    serial: int
    id: int
    key: Key
    original: Key
    start_us: int
    seen_us: int
    end_us: int = 0
    counts: tuple[int, int, int, int] = (_UNKNOWN,) * 4
    counted_us: int = 0
    deltas: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)
    requests: int = 0
    held: int = 0
    """How many of its lines are still in the room; it is not forgotten before they have left."""
    closed: set[int] = field(default_factory=set)
    absent: int = 0
    """How many whole dumps in a row did not show it."""
    is_inherited: bool = False
    """It began before anybody watched: its earlier lines and bytes belong to whoever watched then."""

    @property
    def is_translated(self) -> bool:
        """Whether this node changed the source on the way in."""
        return self.original[1:4] != self.key[1:4]

    def count(self, counts: tuple[int, int, int, int], seen_us: int, interval_us: int) -> None:
        """New totals: what came since the last ones belongs to the interval in which that time began."""
        if min(counts) < 0 or counts < self.counts:
            return
        if self.is_inherited and self.counts[0] == _UNKNOWN:
            self.counts, self.counted_us = counts, seen_us
            return
        began_us = max(self.counted_us, self.start_us)
        if began_us // interval_us * interval_us in self.closed:
            began_us = seen_us
        interval = began_us // interval_us * interval_us
        before = self.counts if self.counts[0] != _UNKNOWN else (0,) * 4
        so_far = self.deltas.get(interval, (0,) * 4)
        delta = [total + new - old for total, new, old in zip(so_far, counts, before, strict=True)]
        if any(delta):
            self.deltas[interval] = (delta[0], delta[1], delta[2], delta[3])
        self.counts, self.counted_us = counts, seen_us


class ConnectionTable:
    """Connections by tuple. Owned by one window; bounded, and what does not fit is counted."""

    def __init__(self, settings: WindowSettings, counters: Counters, began_us: int) -> None:
        self._settings, self._counters, self._began_us = settings, counters, began_us
        self._by_key: dict[Key, list[Connection]] = {}
        self._by_id: dict[tuple[int, Key], Connection] = {}
        self._serial = 0
        self.by_serial: dict[int, Connection] = {}
        self._calendar = Calendar()

    def __len__(self) -> int:
        return len(self.by_serial)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self.by_serial.values()))

    def apply(self, batch: ConnectionBatch) -> set[Key]:
        """Take what the kernel said; returns the tuples of connections that were not known before."""
        new: set[Key] = set()
        for event, id_, start, stop, seen, key, original, counts in _rows(batch):
            known = self._by_id.get((id_, key))
            if known is None or _is_another(known, start):
                known = self._begin(id_, key, original, start or seen, seen)
                if known is None:
                    continue
                new.add(key)
            known.seen_us, known.absent = seen, 0
            known.count(counts, seen, self._settings.interval_us)
            if start and event != ConnectionEvent.NEW:
                known.start_us = start
            if stop or event == ConnectionEvent.DESTROY:
                known.end_us = min(known.end_us or stop or seen, stop or seen)
            if event == ConnectionEvent.DESTROY:
                self._by_id.pop((id_, key), None)
            self._note(known)
        return new

    def _note(self, connection: Connection) -> None:
        """Put on the calendar when something of it is due: its closed intervals, its waiting for a line, its end."""
        settings, serial = self._settings, connection.serial
        closes_after_us = settings.interval_us + settings.linger_us
        started = connection.start_us // settings.interval_us * settings.interval_us
        for interval in (started, *connection.deltas):
            self._calendar.note(serial, interval + closes_after_us)
        self._calendar.note(serial, connection.start_us + settings.wait_us)
        if connection.end_us:
            self._calendar.note(serial, connection.end_us)
            self._calendar.note(serial, connection.end_us + settings.wait_us)

    def due(self, now_us: int) -> list[Connection]:
        """The connections of which something may have become due since this was asked last."""
        return [self.by_serial[serial] for serial in sorted(self._calendar.due(now_us)) if serial in self.by_serial]

    def dumped(self, began_us: int) -> None:
        """A whole dump that began then was applied: what two of them in a row do not show has ended, and its end was lost."""
        for connection in self.by_serial.values():
            if not connection.end_us and connection.seen_us < began_us:
                connection.absent += 1
                if connection.absent > 1:
                    connection.end_us = began_us
                    self._note(connection)
                    self._counters.add("connections_end_lost")

    def candidates(self, key: Key) -> list[Connection]:
        """All connections with this tuple."""
        return self._by_key.get(key, [])

    def requested(self, connection: Connection, requests: int) -> None:
        """Count lines that joined a connection. With the first one its closed intervals become due."""
        if not connection.requests:
            self._calendar.note(connection.serial, 0)
        connection.requests += requests
        connection.held += requests

    def released(self, connection: Connection, requests: int) -> None:
        """Of the lines that joined a connection so many have left the room; with the last one its end may be due."""
        connection.held -= requests
        if not connection.held:
            self._calendar.note(connection.serial, 0)

    def named(self, serials: Array) -> dict[int, Connection]:
        """The connections with these serials; 0 is none."""
        return {serial: self.by_serial[serial] for serial in distinct(serials).tolist() if serial}

    def find(self, key: Key, time_us: int, opened_us: int, *, exact_time: bool) -> Connection | None:
        """The connection on which a request was made: by its own start if the line told it, else by the time of the line."""
        candidates = self.candidates(key)
        if not candidates:
            return None
        if opened_us:
            nearest = min(candidates, key=lambda c: abs(c.start_us - opened_us))
            return nearest if abs(nearest.start_us - opened_us) <= SLACK_US else None
        alive = [
            c for c in candidates if c.start_us <= time_us + SLACK_US and not (exact_time and c.end_us and time_us > c.end_us + SLACK_US)
        ]
        return max(alive, key=lambda c: c.start_us, default=None)

    def forget(self, connections: Iterable[Connection]) -> None:
        """Drop connections of which nothing more is expected."""
        for connection in connections:
            del self.by_serial[connection.serial]
            left = [c for c in self._by_key[connection.key] if c is not connection]
            if left:
                self._by_key[connection.key] = left
            else:
                del self._by_key[connection.key]
            if self._by_id.get((connection.id, connection.key)) is connection:
                del self._by_id[connection.id, connection.key]

    def _begin(self, id_: int, key: Key, original: Key, start_us: int, seen_us: int) -> Connection | None:
        if len(self.by_serial) >= self._settings.most_connections:
            self._counters.add("window_dropped_connections", reason="full")
            return None
        self._serial += 1
        connection = Connection(self._serial, id_, key, original, start_us, seen_us)
        connection.is_inherited = start_us < self._began_us
        self._by_key.setdefault(key, []).append(connection)
        self._by_id[id_, key] = self.by_serial[self._serial] = connection
        return connection


def _is_another(known: Connection, start_us: int) -> bool:
    """Whether an entry with a known id and tuple is a later connection: the kernel uses its ids again."""
    return bool(start_us and known.end_us and start_us > known.end_us)


def _rows(batch: ConnectionBatch) -> Iterator[tuple[int, int, int, int, int, Key, Key, tuple[int, int, int, int]]]:
    c = {name: column.tolist() for name, column in batch.as_dict().items()}
    keys = zip(
        c["protocol"],
        c["reply_dst_hi"],
        c["reply_dst_lo"],
        c["reply_dport"],
        c["reply_src_hi"],
        c["reply_src_lo"],
        c["reply_sport"],
        strict=True,
    )
    originals = zip(
        c["protocol"], c["orig_src_hi"], c["orig_src_lo"], c["orig_sport"], c["orig_dst_hi"], c["orig_dst_lo"], c["orig_dport"], strict=True
    )
    counts = zip(c["bytes_orig"], c["bytes_reply"], c["packets_orig"], c["packets_reply"], strict=True)
    yield from zip(c["event"], c["id"], c["start_us"], c["stop_us"], c["seen_us"], keys, originals, counts, strict=True)
