"""The translation records of other nodes, as long as a flow may need them. Time is an argument of every method."""

import secrets
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmasq.base.clock import MICROSECONDS
from unmasq.base.telemetry import Counters
from unmasq.join.alike import MOST_ALIKE
from unmasq.join.connections import TUPLE, tuples
from unmasq.join.places import Places
from unmasq.join.remote import merged
from unmasq.model.columns import Array, Columns, column
from unmasq.model.groups import distinct, mixed
from unmasq.model.translation import Translations

Marks = NDArray[np.uint64]
"""Tuples, each by a hash; nobody can choose two tuples with the same one."""


@dataclass(frozen=True)
class RecordSettings:
    """How long records wait, how long they are kept, and how many. Times in microseconds."""

    settle_us: int = 10 * MICROSECONDS
    """A record is used when it has been here so long: one that fits better can have come too, nodes do not ship at the same moment."""
    keep_us: int = 3600 * MICROSECONDS
    """After it was heard last: what is open is told again every minute, and the flows may lie in a node's spool."""
    most: int = 500_000
    """Records held at once; beyond it those go that were not heard for the longest time."""


@dataclass(frozen=True, slots=True)
class _Heard(Translations):
    """A record, and when it was told."""

    mark: Array = column("u8")  # of its tuple
    came_us: Array = column("i8")
    heard_us: Array = column("i8")
    is_news: Array = column("?")  # `news` has not told of it, or not of all that is known now


class Records:
    """Records by connection.

    Counts `translations_heard`, `translations_dropped` (`full`, or `same_port`: more than 64 of one tuple), and
    `translations_forgotten` (of which nothing was heard for so long that no flow can need them).
    """

    def __init__(self, counters: Counters, settings: RecordSettings = RecordSettings()) -> None:
        self._counters, self._settings, self._seed = counters, settings, secrets.randbits(64)
        key = (*TUPLE, "orig_source_hi", "orig_source_lo", "orig_source_port", "start_us")
        self._known = Places(_Heard, key, settings.most)

    def __len__(self) -> int:
        return len(self._known)

    def marks(self, of: Columns) -> Marks:
        """The tuples of flows or records."""
        return mixed(tuples(of), self._seed)

    def hear(self, records: Translations, now_us: int) -> None:
        """Take records in, also such as were told before."""
        self._counters.add("translations_heard", len(records))
        told = merged(records)
        columns = told.as_dict() | {"mark": self.marks(told)}
        rows = _Heard.filled(len(told), **columns, came_us=now_us, heard_us=now_us, is_news=1)
        places = self._known.find(rows)
        self._hear_again(places[places >= 0], rows.take(places >= 0))
        self._add(rows.take(places < 0))

    def news(self, now_us: int) -> Marks:
        """The tuples of which something new has settled; each piece of news is told once."""
        rows = self._known.rows
        ready = np.flatnonzero(self._known.used & rows.is_news)
        ready = ready[~among(rows.mark[ready], self._unsettled(now_us))]
        rows.is_news[ready] = False
        return distinct(rows.mark[ready])

    def renew(self, marks: Marks) -> None:
        """Make all of these tuples news again."""
        self._known.rows.is_news[among(self._known.rows.mark, distinct(marks))] = True

    def settled(self, marks: Marks, now_us: int) -> Translations:
        """All records of these tuples, but for tuples of which one came lately."""
        rows = self._known.rows
        chosen = np.flatnonzero(self._known.used & among(rows.mark, distinct(marks)))
        chosen = chosen[~among(rows.mark[chosen], self._unsettled(now_us))]
        chosen = self._bounded(chosen)
        return Translations(**{name: getattr(rows, name)[chosen] for name in Translations.dtypes()})

    def forget(self, now_us: int) -> None:
        """Drop what no flow can need any more."""
        old = np.flatnonzero(self._known.used & (now_us - self._known.rows.heard_us >= self._settings.keep_us))
        self._counters.add("translations_forgotten", len(old))
        self._known.drop(old)

    def _unsettled(self, now_us: int) -> Marks:
        """Tuples of which a record came lately. A clock that was set back makes nobody wait longer."""
        rows = self._known.rows
        since_us = now_us - rows.came_us
        return distinct(rows.mark[self._known.used & (since_us >= 0) & (since_us < self._settings.settle_us)])

    def _hear_again(self, places: NDArray[np.int64], rows: _Heard) -> None:
        known = self._known.rows
        known.heard_us[places] = rows.heard_us
        is_end = (rows.end_us > 0) & ((known.end_us[places] == 0) | (rows.end_us < known.end_us[places]))
        is_later = rows.seen_us > known.seen_us[places]
        known.end_us[places[is_end]] = rows.end_us[is_end]
        known.seen_us[places[is_later]] = rows.seen_us[is_later]
        known.is_news[places[is_end | is_later]] = True

    def _add(self, rows: _Heard) -> None:
        over = min(len(rows) - self._known.room, len(self))
        if over > 0:
            used = np.flatnonzero(self._known.used)
            oldest = np.argsort(self._known.rows.heard_us[used], kind="stable")[:over]
            self._drop(used[oldest], "full")
        added = self._known.add(rows)
        self._counters.add("translations_dropped", len(rows) - len(added), "full")

    def _bounded(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of each tuple the newest 64; the others are dropped."""
        rows = self._known.rows
        order = np.lexsort((-rows.start_us[places], rows.mark[places]))
        places, mark = places[order], rows.mark[places[order]]
        first = np.flatnonzero(np.append(True, mark[1:] != mark[:-1])) if len(mark) else np.zeros(0, "i8")
        newness = np.arange(len(mark)) - np.repeat(first, np.diff(np.append(first, len(mark))))
        self._drop(places[newness >= MOST_ALIKE], "same_port")
        kept: NDArray[np.int64] = places[newness < MOST_ALIKE]
        return kept

    def _drop(self, places: NDArray[np.int64], reason: str) -> None:
        self._counters.add("translations_dropped", len(places), reason)
        self._known.drop(places)


def among(marks: Marks, wanted: Marks) -> NDArray[np.bool_]:
    """Whether each is one of those that are wanted, which are sorted: `isin` would sort them all."""
    if not len(wanted):
        return np.zeros(len(marks), "?")
    at = np.minimum(np.searchsorted(wanted, marks), len(wanted) - 1)
    found: NDArray[np.bool_] = wanted[at] == marks
    return found
