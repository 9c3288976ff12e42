"""How often the table is read for the sake of what lines say, and when a log waits."""

import threading
from contextlib import nullcontext

from tests.story.traffic import FILE, NOON, SECOND, line
from unmasq.base.clock import ManualClock
from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.model.connection import ConnectionBatch
from unmasq.model.ingress import Chunk
from unmasq.node.desk import Desk
from unmasq.node.flows import Surroundings
from unmasq.node.pipeline import Pipeline
from unmasq.observe.listeners import Listeners
from unmasq.unwind.trust import TrustList

STEP_US = SECOND // 10


class BigTable:
    """A witness whose dump takes a second, and is due at the start only."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.dumped_us = clock, list[int]()

    def read(self) -> ConnectionBatch:
        return ConnectionBatch.empty()

    def dump_due(self, _now_us: int) -> bool:
        return not self.dumped_us

    def dump(self) -> ConnectionBatch:
        self.dumped_us.append(self.clock.now_us())
        self.clock.move_to(self.clock.now_us() + SECOND)
        return ConnectionBatch.empty()


class Naming:
    """A log in which every line names another destination, up to a number of them."""

    def __init__(self, most: int) -> None:
        self.most, self.written = most, 0

    def poll(self, _now_us):
        if self.written < self.most:
            self.written += 1
            text = line("192.0.2.1", 5000).replace("10.244.1.10", f"10.9.{self.written // 250}.{self.written % 250 + 1}")
            yield Chunk(FILE, "log", self.written * 1000, text.encode() + b"\n")


def dumped(seconds: int, most: int) -> tuple[list[int], int]:
    """When dumps began while lines named listeners, and how many became known."""
    clock, counters = ManualClock(NOON), Counters()
    listeners, witness = Listeners(counters), BigTable(clock)
    desk = Desk(WindowSettings(), counters, lambda: Surroundings("node-1", TrustList()), witnessed=True, began_us=NOON)
    made = Pipeline([Naming(most)], witness, listeners, desk, lambda _: None, clock, nullcontext())
    made.begin()
    while clock.now_us() < NOON + seconds * SECOND:
        made.step()
        clock.move_to(clock.now_us() + STEP_US)
    return witness.dumped_us, len(listeners)


def test_destinations_that_somebody_writes_into_a_log_do_not_keep_a_node_busy_with_dumps():
    times, known = dumped(seconds=60, most=1000)
    assert known > 300
    assert 10 <= len(times) <= 60 // 5 + 1


def test_the_last_one_is_looked_for_too():
    times, known = dumped(seconds=20, most=1)
    assert known == 1
    assert len(times) == 2


def test_a_log_gives_way_behind_each_chunk_while_nothing_is_held():
    desk = Desk(WindowSettings(), Counters(), lambda: Surroundings("node-1", TrustList()), witnessed=False, began_us=NOON)
    log, moment, waited = Naming(3), threading.Lock(), list[int]()

    def give_way() -> None:
        assert not moment.locked()
        waited.append(len(desk))

    made = Pipeline([log], None, Listeners(Counters()), desk, lambda _: None, ManualClock(NOON), moment, give_way)
    for _ in range(4):
        made.step()
    assert waited == [1, 2, 3]
