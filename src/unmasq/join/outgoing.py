"""The translations of this node that other nodes' flows need, told while a connection is open and once more after its end.

A server keeps what it is told in memory, so what is open is told again and again, and what has ended for a last time when
the last of its flows has long been sent: one that was started anew meanwhile knows it then.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmasq.base.clock import MICROSECONDS
from unmasq.base.telemetry import Counters
from unmasq.join.connections import ORIGINAL, SEEN_AS, SENT_AS, TUPLE, tuples
from unmasq.join.pairing import begin_us
from unmasq.join.places import Places
from unmasq.join.rounds import in_rounds
from unmasq.model.columns import Array, column
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.model.translation import Translations

MOST = 300_000
"""Connections remembered at once; of those beyond nothing is told."""

AGAIN_US = 60 * MICROSECONDS
LAST_US = 130 * MICROSECONDS
"""After what is known of the end was told; conntrack has forgotten an entry of TCP by then."""

_LOOK_US = MICROSECONDS  # how often something is told
_AT_ONCE = 20_000  # told again at one time: the others are due a second later
_EVER_US = 1 << 62


@dataclass(frozen=True, slots=True)
class _Known(Translations):
    """A connection, as it is told."""

    id: Array = column("u4")
    told_us: Array = column("i8")  # when something of it was told, or is to be
    absent: Array = column("u1")  # how many whole dumps in a row did not show it: after two nobody looks for it any more


class Outgoing:
    """Turns the events of connections to listeners that are elsewhere into records. Knows the time only from its callers.

    Counts `translations_told` (records), `translations_dropped` (connections: no room), `connections_end_lost`, and
    `not_translated` (events of connections whose source is as it was, of which there is nothing to tell).
    """

    def __init__(self, counters: Counters, most: int = MOST) -> None:
        self._counters = counters
        self._known = Places(_Known, ("id", *TUPLE), most)
        self._news: list[Translations] = []
        self._looked_us = -_EVER_US

    def __len__(self) -> int:
        return len(self._known)

    def take(self, batch: ConnectionBatch, dump_began_us: int | None = None) -> None:
        """What the kernel said of such connections. A whole dump says when it began."""
        is_translated = _translated(batch)
        self._counters.add("not_translated", len(batch) - int(is_translated.sum()))
        for events in in_rounds(batch.take(is_translated)):
            self._apply(events)
        if dump_began_us is not None:
            self._dumped(dump_began_us)

    def due(self, now_us: int, *, everything: bool = False) -> Translations:
        """What is to be told now: news, and what was told long ago. Looks at most once a second, unless `everything` is to go."""
        if not everything and abs(now_us - self._looked_us) < _LOOK_US:
            return Translations.empty()
        self._looked_us = now_us
        again = self._again(now_us)
        records = Translations.concat([*self._news, self._at(again)])
        self._news = []
        self._known.rows.told_us[again] = now_us
        self._known.drop(again[self._is_over()[again]])
        self._counters.add("translations_told", len(records))
        return records

    def _again(self, now_us: int) -> NDArray[np.int64]:
        """The places of what was told long ago. A clock that was set back makes nothing wait longer."""
        rows = self._known.rows
        since_us = now_us - rows.told_us
        rest_us = np.where(self._is_over(), LAST_US, AGAIN_US)
        return np.flatnonzero(self._known.used & ((since_us < 0) | (since_us >= rest_us)))[:_AT_ONCE]

    def _is_over(self) -> NDArray[np.bool_]:
        """Whether each is only there for its last word."""
        over: NDArray[np.bool_] = (self._known.rows.end_us > 0) | (self._known.rows.absent > 1)
        return over

    def _at(self, places: NDArray[np.int64]) -> Translations:
        return _told(self._known.rows.take(places))

    def _apply(self, events: ConnectionBatch) -> None:
        """The same for events of distinct entries."""
        rows = _known(events)
        places = self._known.find(rows)
        others = np.flatnonzero((places >= 0) & self._are_others(places, events.start_us))
        self._known.drop(places[others])
        places[others] = -1
        self._begin(rows.take(places < 0))
        self._meet(places[places >= 0], rows.take(places >= 0))

    def _are_others(self, places: NDArray[np.int64], start_us: Array) -> NDArray[np.bool_]:
        """Whether entries with a known id and tuple are later connections: the kernel uses its ids again."""
        if not len(self._known.used):
            return np.zeros(len(places), "?")
        end_us = self._known.rows.end_us[places]
        later: NDArray[np.bool_] = (end_us > 0) & (start_us > end_us)
        return later

    def _begin(self, rows: _Known) -> None:
        places = self._known.add(rows)
        self._counters.add("translations_dropped", len(rows) - len(places), "full")
        self._news.append(self._at(places))

    def _meet(self, places: NDArray[np.int64], rows: _Known) -> None:
        known = self._known.rows
        known.seen_us[places], known.absent[places] = rows.seen_us, 0
        has_ended = (rows.end_us > 0) & (known.end_us[places] == 0)
        places, rows = places[has_ended], rows.take(has_ended)
        known.end_us[places], known.told_us[places] = rows.end_us, rows.seen_us
        self._news.append(self._at(places))  # with the start that was told before: it is by this that it is known

    def _dumped(self, began_us: int) -> None:
        """A whole dump was taken in. What two of them in a row do not show has ended, or its listener is none any more: who knows when."""
        rows = self._known.rows
        missed = self._known.used & (rows.seen_us < began_us) & ~self._is_over()
        rows.absent[missed] += np.uint8(1)
        lost = np.flatnonzero(missed & (rows.absent > 1))
        self._counters.add("connections_end_lost", len(lost))
        rows.told_us[lost] = began_us
        self._news.append(self._at(lost))


def _translated(batch: ConnectionBatch) -> NDArray[np.bool_]:
    """Whether the source that the proxy sees is another one than that which opened the connection."""
    pairs = zip(tuples(batch, SEEN_AS[1:4]), tuples(batch, SENT_AS[1:4]), strict=True)
    changed: NDArray[np.bool_] = np.any([seen != sent for seen, sent in pairs], axis=0)
    return changed


def _known(batch: ConnectionBatch) -> _Known:
    names = dict(zip((*TUPLE, *ORIGINAL[1:4]), tuples(batch, (*SEEN_AS, *SENT_AS[1:4])), strict=True))
    is_over = (batch.event == ConnectionEvent.DESTROY) | (batch.stop_us > 0)
    end_us: Array = np.where(is_over, np.where(batch.stop_us > 0, batch.stop_us, batch.seen_us), 0)
    return _Known.filled(
        len(batch), **names, id=batch.id, start_us=begin_us(batch), end_us=end_us, told_us=batch.seen_us, seen_us=batch.seen_us
    )


def _told(rows: _Known) -> Translations:
    return Translations(**{name: getattr(rows, name) for name in Translations.dtypes()})
