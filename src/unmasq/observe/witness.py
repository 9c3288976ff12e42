"""The witness: what one namespace's conntrack tells of the connections to listeners, live and complete.

Events say what begins and ends; a dump of the table says what is there, with counters up to now, and heals what an
overrun lost. It cannot bring back an entry that came and went meanwhile: those of TCP stay for 120 s, others do not.
"""

from types import TracebackType
from typing import Self

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.telemetry import Counters
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import conntrack, dump, namespace
from unmasq.observe.conntrack import NETLINK_NETFILTER
from unmasq.observe.events import BUFFER_BYTES, EventStream
from unmasq.observe.listeners import Listeners

_MOST_EVENTS = 8192  # 0.1 s of work: between two reads the caller can dump, join and be stopped
_PERIOD_US = 5 * MICROSECONDS
_REST = 50  # times the length of the last dump: dumps take at most 2 % of the time
_REST_UNHEALED = 4  # at most a fifth, or a big table's dump would itself cause the overrun that asks for the next one


class Witness:
    """The connections to our listeners in one namespace: a name, a path, or None for our own.

    `read` when `fileno` is readable, `dump` when `dump_due`; both give rows of listeners only. Needs CAP_SYS_ADMIN and
    CAP_NET_ADMIN. Everything raises KernelError. Counts conntrack_events, conntrack_malformed, conntrack_overruns,
    conntrack_lost, conntrack_healed (overruns that a dump followed), conntrack_dumps, conntrack_dump_interrupted,
    conntrack_buffer_refused and, by `Listeners`, not_a_listener.
    """

    def __init__(
        self, space: str | None, counters: Counters, clock: Clock, listeners: Listeners, *, buffer_bytes: int = BUFFER_BYTES
    ) -> None:
        self._counters, self._clock, self._listeners = counters, clock, listeners
        self._events = EventStream(space, counters, buffer_bytes)
        try:
            self._table = namespace.socket_in(space, NETLINK_NETFILTER)
        except BaseException:
            self._events.close()
            raise
        self._sequence = 0
        self._dumped_us: int | None = None  # when the last dump ended
        self._length_us = 0

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
        seen_us = self._clock.now_us()
        self._counters.add("conntrack_events", len(datagrams))
        rows: list[conntrack.Row] = []
        for datagram in datagrams:
            rows += self._parsed(datagram, seen_us).rows
        return self._listeners.keep(conntrack.batch(rows))

    def dump_due(self, now_us: int) -> bool:
        """Whether the table should be read: 5 s or 50 times the last dump's length have passed, or an overrun is unhealed."""
        if self._dumped_us is None:
            return True
        rest_us = _REST_UNHEALED * self._length_us if self._events.unhealed else max(_PERIOD_US, _REST * self._length_us)
        # A clock that was set back must not silence the dumps.
        return not 0 <= now_us - self._dumped_us < rest_us

    def dump(self) -> ConnectionBatch:
        """The whole table. An answer that the kernel calls interrupted (entries may be missing) is asked for once more."""
        began_us = self._clock.now_us()
        batch, interrupted = self._whole_table()
        if interrupted:
            self._counters.add("conntrack_dump_interrupted")
            batch, _ = self._whole_table()
        self._dumped_us = self._clock.now_us()
        self._length_us = max(0, self._dumped_us - began_us)
        self._counters.add("conntrack_dumps")
        self._events.heal()
        return batch

    def _whole_table(self) -> tuple[ConnectionBatch, bool]:
        self._sequence += 1
        batches, interrupted = [], False
        for part in dump.parts(self._table, conntrack.dump_request(self._sequence), "the connection tracking table"):
            parsed = self._parsed(part, self._clock.now_us())
            interrupted |= parsed.interrupted
            # Part by part, because rows of a full table would take hundreds of megabytes.
            batches.append(self._listeners.keep(conntrack.batch(parsed.rows)))
        return ConnectionBatch.concat(batches), interrupted

    def _parsed(self, datagram: bytes, seen_us: int) -> conntrack.Parsed:
        parsed = conntrack.parse(datagram, seen_us)
        self._counters.add("conntrack_malformed", parsed.malformed)
        self._counters.add("not_a_listener", parsed.portless)
        return parsed
