"""How much waits in the room, and for what."""

from contextlib import nullcontext

from tests.story.traffic import FILE, NOON, SECOND, line
from unmasq.base.clock import ManualClock
from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.ingress import Chunk
from unmasq.node import pipeline
from unmasq.node.desk import Desk
from unmasq.node.flows import Surroundings
from unmasq.observe.listeners import Listeners
from unmasq.unwind.trust import TrustList

WARNING = b"2026/11/25 08:00:00 [warn] 33#33: *5 an upstream response is buffered to a temporary file\n"


def desk(most_lines: int) -> Desk:
    settings = WindowSettings(most_lines=most_lines)
    return Desk(settings, Counters(), lambda: Surroundings("node-1", TrustList()), witnessed=False, began_us=NOON)


def chunk(data: bytes, start: int = 0) -> Chunk:
    return Chunk(FILE, "log", start, data)


def test_a_backlog_of_lines_that_name_nobody_is_handed_on_before_its_end(monkeypatch):
    monkeypatch.setattr(pipeline, "GATHER_LINES", 50)
    made, most, handed = desk(most_lines=60), [0], list[FlowBatch]()

    class Backlog:
        def poll(self, _now_us):
            for number in range(20):
                yield chunk(WARNING * 20, number * 20 * len(WARNING))
                most.append(len(made))

    clock = ManualClock(NOON)
    pipeline.Pipeline([Backlog()], None, Listeners(Counters()), made, handed.append, clock, nullcontext()).step()
    assert sum(rejected.count for batch in handed for rejected in batch.rejected) == 20 * 20 - len(made)
    assert 0 < max(most) <= 80


def test_lines_that_give_no_flow_make_nobody_else_leave_early():
    made = desk(most_lines=60)
    made.close(NOON)
    made.take_lines(chunk(line("192.0.2.1", 5000).encode() + b"\n"), NOON)
    made.take_lines(chunk(WARNING * 70, 1000), NOON)
    [batch] = made.close(NOON + SECOND // 10)
    assert (len(batch.flows), [rejected.count for rejected in batch.rejected]) == (0, [70])
    assert len(made) == 1
