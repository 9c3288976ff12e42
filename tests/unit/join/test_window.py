"""How much waits in the room, and for what."""

from contextlib import nullcontext

from tests.story.traffic import FILE, NOON, SECOND, Story, connection, line
from unmasq.base.clock import ManualClock
from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.model.address import to_text
from unmasq.model.connection import ConnectionEvent
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.ingress import Chunk
from unmasq.node import desk as desks
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


def test_of_too_many_lines_those_that_came_first_leave_and_most_stay():
    counters = Counters()
    around = Surroundings("node-1", TrustList())
    made = Desk(WindowSettings(most_lines=60), counters, lambda: around, witnessed=False, began_us=NOON)
    made.close(NOON)
    for number in range(3):
        lines = "".join(line(f"192.0.{number}.{host}", 5000) + "\n" for host in range(1, 31))
        made.take_lines(chunk(lines.encode(), number * 100_000), NOON)
    [batch] = made.close(NOON + SECOND // 10)
    assert {to_text(*pair)[:8] for pair in zip(batch.flows.source_hi.tolist(), batch.flows.source_lo.tolist(), strict=True)} == {
        "192.0.0.",
        "192.0.1.",
    }
    assert (len(made), counters.of("window_closed_early", "lines")) == (30, 60)


def test_of_too_many_connections_with_lines_the_oldest_lines_close_early_and_are_counted():
    story = Story(settings=WindowSettings(most_open=20, early_lines=15))
    story.after(0)
    for number in range(20):
        talk(story, number)
    assert story.after(0.1) is None, "as many as may be"
    talk(story, 20)
    batch = story.after(0.1)
    assert batch is not None
    assert batch.flows.source_port.tolist() == [*range(5000, 5015)]
    assert (len(story.desk), story.counters.of("window_closed_early", "connections")) == (6, 15)


def test_of_too_many_connections_those_that_go_on_keep_their_lines_so_that_no_flow_is_torn():
    story = Story(settings=WindowSettings(most_open=20, early_lines=15))
    story.after(0)
    for number in range(21):
        talk(story, number)
        if number not in (3, 5):
            story.kernel(connection(("192.0.2.1", 5000 + number), NOON, id_=1 + number, event=ConnectionEvent.DESTROY, stop=NOON))
    batch = story.after(0.1)
    assert batch is not None
    assert batch.flows.source_port.tolist() == [5000 + number for number in range(15) if number not in (3, 5)]
    assert (len(story.desk), story.counters.of("window_closed_early", "connections")) == (8, 13)
    talk(story, 3, is_new=False)
    rest = story.after(80)
    assert rest is not None
    assert rest.flows.requests[rest.flows.source_port == 5003].tolist() == [2]


def test_many_lines_of_few_connections_do_not_close_early():
    story = Story(settings=WindowSettings(most_open=20, early_lines=15))
    story.after(0)
    for number in range(100):
        talk(story, number % 20)
    assert story.after(0.1) is None


def talk(story: Story, number: int, *, is_new: bool = True) -> None:
    """A connection, and a line of it."""
    if is_new:
        story.kernel(connection(("192.0.2.1", 5000 + number), NOON, id_=1 + number))
    story.tell(line("192.0.2.1", 5000 + number))


def test_lines_with_too_much_text_close_early_and_are_counted(monkeypatch):
    monkeypatch.setattr(desks, "_MOST_SIZE", 4000)
    counters = Counters()
    around = Surroundings("node-1", TrustList())
    made = Desk(WindowSettings(), counters, lambda: around, witnessed=False, began_us=NOON)
    made.close(NOON)
    short = line("192.0.2.1", 5000, "1.1.1.1").encode() + b"\n"
    made.take_lines(chunk(short), NOON)
    assert made.close(NOON + SECOND // 10) == []
    long = line("192.0.2.1", 5000, ", ".join(f"20.0.0.{number}" for number in range(200))).encode() + b"\n"
    made.take_lines(chunk(long * 2, 1000), NOON)
    made.take_lines(chunk(long.replace(b"20.0.0.7,", b"20.0.0.8,"), 100_000), NOON)
    [batch] = made.close(NOON + SECOND // 5)
    assert int(batch.flows.requests.sum()) == 3
    assert (len(made), counters.of("window_closed_early", "texts")) == (1, 3)


def test_texts_that_no_line_uses_make_nobody_leave_early(monkeypatch):
    monkeypatch.setattr(desks, "_MOST_SIZE", 4000)
    made = desk(most_lines=60)
    long = line("192.0.2.1", 5000, ", ".join(f"20.0.0.{number}" for number in range(200))).encode() + b"\n"
    for number in range(3):
        made.take_lines(chunk(long.replace(b"20.0.0.7,", b"20.0.%d.7," % number), 10_000 * number), NOON)
    assert made.close(NOON, everything=True)
    made.take_lines(chunk(line("192.0.2.1", 5000, "1.1.1.1").encode() + b"\n", 100_000), NOON)
    assert made.close(NOON + SECOND // 10) == []
    assert len(made) == 1
