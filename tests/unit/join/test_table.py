"""The kernel's side of the waiting room."""

import numpy as np
import pytest

from tests.story.traffic import CLIENT, FILE, NOON, PROXY, SECOND, connection, line
from unmasq.base.telemetry import Counters
from unmasq.join.alike import MOST_ALIKE
from unmasq.join.connections import SOURCE, tuples
from unmasq.join.lines import from_batch
from unmasq.join.matching import match, match_partial
from unmasq.join.settings import WindowSettings
from unmasq.join.table import ConnectionTable
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.model.index import keyed, packed
from unmasq.model.ingress import Chunk
from unmasq.read.formats.lines import LineReader

END = (PROXY, 80)


def reused(times: int) -> ConnectionBatch:
    """One port that its client uses again each second."""
    starts = [NOON + number * SECOND for number in range(times)]
    return ConnectionBatch.concat(
        [connection((CLIENT, 4000), at, id_=at // SECOND % 1000, event=ConnectionEvent.DESTROY, start=at, stop=at + 1) for at in starts]
    )


def found(table: ConnectionTable, at: int, *, partial: bool = False) -> int:
    """The serial of the connection of a line of that time, 0: none."""
    lines = from_batch(
        LineReader().read(Chunk(FILE, "log", 0, line(CLIENT, 4000, at=at, own=None if partial else END).encode()), at), 0, at
    )
    return int((match_partial(lines, table, SECOND) if partial else match(lines, table)).serials[0])


def test_a_client_that_uses_one_port_again_and_again_is_compared_with_its_newest_connections_only():
    counters = Counters()
    table = ConnectionTable(WindowSettings(), counters, 0)
    table.apply(reused(MOST_ALIKE + 36))
    [key] = set(packed(keyed(tuples(table.rows))))
    assert len(table) == MOST_ALIKE + 36
    assert table.alike.candidates(key) == tuple(range(37, MOST_ALIKE + 37))
    assert counters.of("window_dropped_connections", "same_port") == 36
    assert found(table, at=NOON + 99 * SECOND) == 100
    assert found(table, at=NOON) == 0


def test_whoever_was_crowded_out_is_forgotten_in_any_order():
    table = ConnectionTable(WindowSettings(), Counters(), 0)
    table.apply(reused(MOST_ALIKE + 2))
    [key] = set(packed(keyed(tuples(table.rows))))
    table.forget(np.arange(MOST_ALIKE + 2) >= 2)
    assert table.alike.candidates(key) == ()
    table.forget(~table.rows.is_gone)
    assert len(table) == 0


@pytest.mark.parametrize("is_late", [False, True], ids=["looked for before", "looked for afterwards"])
def test_nobody_is_crowded_out_by_connections_of_the_same_port_to_another_listener(is_late):
    """Behind a masquerade they may be of somebody else, who would then be taken for the client."""
    table = ConnectionTable(WindowSettings(), Counters(), 0)
    table.apply(connection((CLIENT, 4000), NOON, id_=5000, own=(PROXY, 443)))
    if not is_late:
        table.of_sources()
    table.apply(reused(MOST_ALIKE + 36))
    key = packed(keyed(tuples(table.rows, SOURCE)))[0]
    assert len(table.of_sources().candidates(key)) == 1 + MOST_ALIKE + (36 if is_late else 0)
    assert found(table, NOON + 200 * SECOND, partial=True) == 0, "so many that one may be missing"
    table.forget(table.rows.serial > 1)
    assert found(table, NOON + 200 * SECOND, partial=True) == 1
    table.forget(~table.rows.is_gone)
    assert table.of_sources().candidates(key) == ()


@pytest.mark.parametrize("most", [1, 4], ids=["dropped", "forgotten early"])
def test_lines_of_a_time_of_which_too_much_is_forgotten_are_not_joined_without_their_own_end(most):
    """There may have been another connection of their source."""
    table = ConnectionTable(WindowSettings(most_connections=most), Counters(), 0)
    table.apply(connection((CLIENT, 4000), NOON, id_=1))
    for number in range(2, 5):
        gone = connection((CLIENT, 4000 + number), NOON + SECOND, id_=number, start=NOON, stop=NOON, event=ConnectionEvent.DESTROY)
        table.apply(gone)
    table.rows.requests[1:] = 1
    table.make_room(NOON + 60 * SECOND, np.zeros(len(table.rows), "?"))
    times = [NOON + half * SECOND // 2 for half in (0, 2, 5)]
    assert [found(table, at, partial=True) for at in times] == ([0, 0, 1] if most == 1 else [0, 1, 1])
