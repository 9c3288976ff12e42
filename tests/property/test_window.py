"""The waiting room, step by step: no line is lost or told twice, none stays longer than is said, and no connection goes unmentioned."""

from collections import Counter
from dataclasses import dataclass

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.property.test_pipeline import ENDS, SOURCES
from tests.story.traffic import SECOND, Story, connection, line, only
from unmasq.join.settings import WindowSettings
from unmasq.join.window import LOOK_US
from unmasq.model.address import to_text
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.model.flowbatch import Flag, FlowBatch, Join

SETTINGS = [
    WindowSettings(),
    WindowSettings(linger_us=300 * SECOND, wait_us=20 * SECOND),
    WindowSettings(most_lines=4),
    WindowSettings(pictured_lines=3),
    WindowSettings(most_open=2, early_lines=2),
]


@dataclass(frozen=True)
class Told:
    """A line: who it names, and when it was read."""

    source: str
    port: int
    read_us: int


@dataclass
class Open:
    """A connection as the kernel knows it."""

    number: int
    source: tuple[str, int]
    own: tuple[str, int]
    start_us: int
    bytes: int = 0


class WindowStory(RuleBasedStateMachine):
    """Connections that begin and end, dumps of those that are open, lines of any of them or of nobody; and time."""

    @initialize(chosen=st.sampled_from(SETTINGS))
    def begin(self, chosen: WindowSettings) -> None:
        self.settings, self.story = chosen, Story(settings=chosen)
        self.lines: dict[str, Told] = {}
        self.gone: Counter[str] = Counter()
        self.flows: Counter[tuple[int, int]] = Counter()
        self.open: list[Open] = []
        self.ports, self.numbers = iter(range(4001, 60_000)), iter(range(1, 60_000))
        self.ended_us = -(1 << 62)
        self.told_of: set[int] = set()
        self.mentioned: set[int] = set()

    def teardown(self) -> None:
        self.leave(only(self.story.desk.close(self.story.now, everything=True)))
        assert self.gone == Counter(self.lines.keys()), "lost, or told twice"
        assert self.mentioned == self.told_of, "connections that no flow is of"

    # What comes

    @rule(source=st.sampled_from(SOURCES), own=st.sampled_from(ENDS), is_again=st.booleans(), is_told=st.booleans())
    def connect(self, source: str, own: tuple[str, int], *, is_again: bool, is_told: bool) -> None:
        """Of some the kernel tells only later, or only at their end; some have the port of one that is over."""
        used = {(each.source[0], each.source[1]) for each in self.open}
        port = 4000 if is_again and (source, 4000) not in used and self.story.now - self.ended_us > 10 * SECOND else next(self.ports)
        self.open.append(Open(next(self.numbers), (source, port), own, self.story.now))
        if is_told:
            self.kernel(self.open[-1], ConnectionEvent.NEW)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 9))
    def end(self, which: int) -> None:
        ending = self.open.pop(which % len(self.open))
        self.ended_us = self.story.now
        self.kernel(ending, ConnectionEvent.DESTROY)

    @rule()
    def dump(self) -> None:
        for each in self.open:
            each.bytes += 100
        self.story.kernel(*(self.told(each, ConnectionEvent.DUMP) for each in self.open), dump_began=self.story.now)

    def kernel(self, one: Open, event: ConnectionEvent) -> None:
        self.story.kernel(self.told(one, event))

    def told(self, one: Open, event: ConnectionEvent) -> ConnectionBatch:
        self.told_of.add(one.number)
        counts = (-1, -1, -1, -1) if event is ConnectionEvent.NEW else (one.bytes, one.bytes, 1, 1)
        stop = self.story.now if event is ConnectionEvent.DESTROY else 0
        return connection(
            one.source, self.story.now, id_=one.number, event=event, own=one.own, start=one.start_us, stop=stop, counts=counts
        )

    @rule(which=st.lists(st.integers(0, 5), min_size=1, max_size=4), ago=st.sampled_from([None, 0, 70, 130]))
    def log(self, which: list[int], ago: int | None) -> None:
        """Lines of connections that are open, or of somebody whom the kernel never tells of; some are a backlog."""
        texts = []
        for each in which:
            (source, port), own = (self.open[each].source, self.open[each].own) if each < len(self.open) else ((SOURCES[0], 3000), ENDS[0])
            name = f"192.0.2.{len(self.lines)}"
            self.lines[name] = Told(source, port, self.story.now)
            texts.append(line(source, port, name, at=None if ago is None else self.story.now - ago * SECOND, own=own))
        self.story.tell(*texts)

    # Time

    @rule(seconds=st.sampled_from([0.3, 1, 11, 61, 75, 130, 400, -30]))
    def wait(self, seconds: float) -> None:
        self.leave(self.story.after(seconds))
        patience_us = max(self.settings.wait_us, self.settings.linger_us + self.settings.interval_us) + LOOK_US
        late = {name for name in self.here() if self.story.now - self.lines[name].read_us >= patience_us}
        assert not late, "lines wait for longer than is said"

    def leave(self, batch: FlowBatch | None) -> None:
        if batch is None:
            return
        self.gone.update(self.named(batch))
        self.mentioned |= set(batch.flows.conntrack_id.tolist()) - {0}
        # Of as many flows as lines may wait it is known that they closed. A line that comes after its connection was told of as unlogged
        # makes a flow of its own, which is not marked.
        flows = batch.flows.take(batch.flows.join != Join.UNLOGGED)
        keys = zip(flows.conntrack_id.tolist(), flows.interval_start_us.tolist(), flows.flags.tolist(), strict=True)
        self.flows.update((number, start) for number, start, flags in keys if number and not flags & Flag.LATE)
        closes_early = self.settings.most_lines == 4 or self.settings.most_open == 2
        assert max(self.flows.values(), default=1) == 1 or closes_early, "one interval of a connection became two flows"

    def here(self) -> list[str]:
        return [name for batch in self.story.open() for name in self.named(batch)]

    def named(self, batch: FlowBatch) -> list[str]:
        """The lines in a batch, by what they name; each stands with the source that it told."""
        flow, found = batch.chains.flow, []
        source = (batch.flows.source_hi[flow], batch.flows.source_lo[flow], batch.flows.source_port[flow])
        ends = zip(*(column.tolist() for column in source), strict=True)
        for (hi, lo, port), number, requests in zip(ends, batch.chains.headers.tolist(), batch.chains.requests.tolist(), strict=True):
            if not requests:  # a connection without a line
                continue
            name = batch.texts[number].partition('"x-forwarded-for":"')[2].partition('"')[0]
            assert (requests, self.lines[name].source, self.lines[name].port) == (1, to_text(hi, lo), port)
            found.append(name)
        return found

    @invariant()
    def every_line_is_here_or_gone_once(self) -> None:
        if hasattr(self, "story"):
            assert Counter(self.here()) + self.gone == Counter(self.lines.keys())


WindowStory.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestWindowStory = WindowStory.TestCase
