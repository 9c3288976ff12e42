"""The translations of this node that other nodes' flows need: a record when a connection begins, another at its end."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unmasq.base.telemetry import Counters
from unmasq.join.connections import ORIGINAL, SEEN_AS, SENT_AS, TUPLE, tuples
from unmasq.join.pairing import begin_us
from unmasq.model.columns import Array
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.model.index import keyed, packed
from unmasq.model.translation import Translations

MOST = 300_000
"""Connections remembered at once; of those beyond nothing is told."""


class Outgoing:
    """Turns the events of connections to listeners that are not on this node into records, each told once.

    Counts `translations_dropped` (no room).
    """

    def __init__(self, counters: Counters, most: int = MOST) -> None:
        self._counters, self._most = counters, most
        self._open: dict[bytes, Translations] = {}

    def __len__(self) -> int:
        return len(self._open)

    def take(self, batch: ConnectionBatch) -> Translations:
        """The records that these events give; none for a connection whose source is as it was."""
        batch = batch.take(_translated(batch))
        records, over = _records(batch), _over(batch)
        told = [row for row, key in enumerate(_keys(batch)) if self._is_news(key, records, row, is_over=bool(over[row]))]
        return records.take(np.array(told, "i8"))

    def open(self) -> Translations:
        """Every connection that has not ended: for a server that knows nothing yet."""
        return Translations.concat(list(self._open.values()))

    def _is_news(self, key: bytes, records: Translations, row: int, *, is_over: bool) -> bool:
        if is_over:
            self._open.pop(key, None)
            return True
        if key in self._open:
            return False
        if len(self._open) >= self._most:
            self._counters.add("translations_dropped", reason="full")
            return False
        self._open[key] = records.take(np.array([row]))
        return True


def _translated(batch: ConnectionBatch) -> NDArray[np.bool_]:
    """Whether the source that the proxy sees is another one than that which opened the connection."""
    pairs = zip(tuples(batch, SEEN_AS[1:4]), tuples(batch, SENT_AS[1:4]), strict=True)
    changed: NDArray[np.bool_] = np.any([seen != sent for seen, sent in pairs], axis=0)
    return changed


def _over(batch: ConnectionBatch) -> NDArray[np.bool_]:
    over: NDArray[np.bool_] = (batch.event == ConnectionEvent.DESTROY) | (batch.stop_us > 0)
    return over


def _keys(batch: ConnectionBatch) -> list[bytes]:
    return packed(keyed([batch.id, *tuples(batch, SEEN_AS)]))


def _records(batch: ConnectionBatch) -> Translations:
    names = dict(zip((*TUPLE, *ORIGINAL[1:4]), tuples(batch, (*SEEN_AS, *SENT_AS[1:4])), strict=True))
    end_us: Array = np.where(_over(batch), np.where(batch.stop_us > 0, batch.stop_us, batch.seen_us), 0)
    return replace(Translations.filled(len(batch), **names), start_us=begin_us(batch), end_us=end_us)
