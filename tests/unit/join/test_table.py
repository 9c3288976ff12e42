"""The kernel's side of the waiting room."""

import numpy as np

from tests.story.traffic import CLIENT, NOON, SECOND, connection
from unmasq.base.telemetry import Counters
from unmasq.join.alike import MOST_ALIKE
from unmasq.join.connections import tuples
from unmasq.join.settings import WindowSettings
from unmasq.join.table import ConnectionTable
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.model.index import keyed, packed


def reused(times: int) -> ConnectionBatch:
    """One port that its client uses again each second."""
    starts = [NOON + number * SECOND for number in range(times)]
    return ConnectionBatch.concat(
        [connection((CLIENT, 4000), at, id_=at // SECOND % 1000, event=ConnectionEvent.DESTROY, start=at, stop=at + 1) for at in starts]
    )


def test_a_client_that_uses_one_port_again_and_again_is_compared_with_its_newest_connections_only():
    counters = Counters()
    table = ConnectionTable(WindowSettings(), counters, 0)
    table.apply(reused(MOST_ALIKE + 36))
    [key] = set(packed(keyed(tuples(table.rows))))
    assert len(table) == MOST_ALIKE + 36
    assert table.alike.candidates(key) == tuple(range(37, MOST_ALIKE + 37))
    assert counters.of("window_dropped_connections", "same_port") == 36
    assert table.find(key, NOON + 99 * SECOND, 0, exact_time=True) == 100
    assert table.find(key, NOON, 0, exact_time=True) == 0


def test_whoever_was_crowded_out_is_forgotten_in_any_order():
    table = ConnectionTable(WindowSettings(), Counters(), 0)
    table.apply(reused(MOST_ALIKE + 2))
    [key] = set(packed(keyed(tuples(table.rows))))
    table.forget(np.arange(MOST_ALIKE + 2) >= 2)
    assert table.alike.candidates(key) == ()
    table.forget(~table.rows.is_gone)
    assert len(table) == 0
