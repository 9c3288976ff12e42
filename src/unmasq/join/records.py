"""The translation records of other nodes, as long as a flow may need them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmasq.base.clock import MICROSECONDS
from unmasq.base.telemetry import Counters
from unmasq.join.alike import MOST_ALIKE
from unmasq.join.connections import tuples
from unmasq.join.keys import numbered
from unmasq.join.remote import merged
from unmasq.model.groups import grouped
from unmasq.model.index import keyed, packed
from unmasq.model.translation import Translations


@dataclass(frozen=True)
class RecordSettings:
    """How long records are kept, and how many."""

    keep_us: int = 300 * MICROSECONDS
    """After the end of the connection: its last flow closes 70 s later, and may lie in a node's spool."""
    most: int = 500_000
    """Records held at once; beyond it the oldest connections go."""


class Records:
    """Records by connection. Counts `translations_dropped` (`full`, or `same_port`: more than 64 of one tuple)."""

    def __init__(self, counters: Counters, settings: RecordSettings = RecordSettings()) -> None:
        self._counters, self._settings = counters, settings
        self._parts: list[Translations] = []

    @property
    def rows(self) -> Translations:
        """One row a connection; of one tuple at most the newest 64."""
        if len(self._parts) != 1:
            self._parts = [self._bounded(merged(Translations.concat(self._parts)))]
        return self._parts[0]

    def add(self, records: Translations) -> Translations:
        """Take records in; returns those of connections that were not known."""
        before = set(_keys(self.rows))
        self._parts.append(records)
        return records.take(np.array([key not in before for key in _keys(records)], "?"))

    def forget(self, now_us: int) -> None:
        """Drop what no flow can need any more."""
        rows = self.rows
        self._parts = [rows.take((rows.end_us == 0) | (rows.end_us > now_us - self._settings.keep_us))]

    def _bounded(self, rows: Translations) -> Translations:
        alike = _newness(rows) < MOST_ALIKE
        self._counters.add("translations_dropped", int((~alike).sum()), "same_port")
        rows = rows.take(alike)
        over = max(0, len(rows) - self._settings.most)
        self._counters.add("translations_dropped", over, "full")
        return rows.take(np.argsort(rows.start_us, kind="stable")[over:]) if over else rows


def _keys(records: Translations) -> list[bytes]:
    return packed(keyed([*tuples(records), records.orig_source_hi, records.orig_source_lo, records.orig_source_port, records.start_us]))


def _newness(rows: Translations) -> NDArray[np.int64]:
    """The place of each record among those of its tuple, the newest first."""
    number = numbered(*grouped(tuples(rows)))
    order = np.lexsort((-rows.start_us, number))
    first = np.flatnonzero(np.diff(number[order], prepend=-1))
    places = np.empty(len(rows), "i8")
    places[order] = np.arange(len(rows)) - np.repeat(first, np.diff(np.append(first, len(rows))))
    return places
