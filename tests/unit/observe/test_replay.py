"""The witness without a kernel."""

import select

import numpy as np
import pytest

from unmasq.base.clock import ManualClock
from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.observe.listeners import Listener, Listeners
from unmasq.observe.replay import Replay

NEW, DESTROY, DUMP = ConnectionEvent


@pytest.fixture
def clock():
    return ManualClock(0)


def told(*rows: tuple[int, ConnectionEvent], port: int = 80) -> ConnectionBatch:
    """(seen_us, event) of connections to a port."""
    seen, event = np.array(rows).reshape(-1, 2).T
    return ConnectionBatch.filled(len(rows), seen_us=seen, event=event, reply_sport=port)


def replay(clock: ManualClock, *batches: ConnectionBatch) -> Replay:
    return Replay(batches, clock, Listeners(Counters(), [Listener(*NONE, 80)]))


def is_readable(witness: Replay) -> bool:
    return bool(select.select([witness], [], [], 0)[0])


def test_events_come_once_and_when_the_clock_is_there(clock):
    with replay(clock, told((20, DESTROY), (10, NEW)), told((15, NEW), port=81), told((10, NEW))) as witness:
        assert len(witness.read()) == 0
        clock.move_to(10)
        assert witness.read().seen_us.tolist() == [10, 10]
        clock.move_to(100)
        assert is_readable(witness)
        assert witness.read().event.tolist() == [DESTROY]
        assert not is_readable(witness)
        assert len(witness.read()) == 0


def test_dumps_are_due_when_the_clock_is_there(clock):
    with replay(clock, told((10, DUMP), (10, NEW), (30, DUMP))) as witness:
        assert not witness.dump_due(9)
        assert witness.dump_due(10)
        clock.move_to(10)
        assert witness.dump().event.tolist() == [DUMP]
        assert not witness.dump_due(29)
        assert len(witness.dump()) == 0


def test_nothing_to_tell_is_nothing_to_read(clock):
    with replay(clock) as witness:
        assert not is_readable(witness)
        assert not witness.dump_due(1 << 60)
        witness.close()
