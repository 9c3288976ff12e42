"""Joining neither invents nor loses a request, in whichever order lines and connections come and the clock runs."""

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.story.traffic import NOON, SECOND, Story, connection, line
from unmasq.join.settings import WindowSettings
from unmasq.model.connection import ConnectionEvent
from unmasq.model.flowbatch import FlowBatch, Join

ports = st.integers(4000, 4005)
offsets = st.integers(0, 300).map(lambda seconds: NOON + seconds * SECOND)
lines = st.one_of(
    st.builds(
        lambda port, at, xff: line("198.51.100.10", port, xff, at=at), ports, offsets, st.sampled_from(["-", "1.1.1.1", "2.2.2.2, x"])
    ),
    st.builds(lambda port: line("198.51.100.10", port), ports),
    st.sampled_from(["", "junk", line("198.51.100.10", ""), line("nobody", 4000), 'unmasq: {"source_port": 1']),
)
told = st.lists(lines, min_size=1, max_size=4)
kernel = st.builds(
    lambda port, at, id_, event, end: connection(("198.51.100.10", port), at, id_=id_, event=event, stop=at + end if end else 0),
    ports, offsets, st.integers(1, 4), st.sampled_from(list(ConnectionEvent)), st.sampled_from([0, SECOND]),
)  # fmt: skip
steps = st.lists(st.one_of(told, kernel, st.integers(-100, 200)), min_size=1, max_size=25)


@settings(max_examples=300)
@given(steps, st.booleans(), st.sampled_from([WindowSettings(), WindowSettings(most_lines=5, most_connections=3)]))
def test_every_line_ends_in_one_flow_or_is_counted(story_steps: list[Any], witnessed: bool, bounds: WindowSettings) -> None:
    story = Story(witnessed=witnessed, settings=bounds)
    batches: list[FlowBatch | None] = []
    written = 0
    for step in story_steps:
        if isinstance(step, list):
            story.tell(*step)
            written += len(step)
        elif isinstance(step, int):
            batches.append(story.after(step))
        else:
            story.kernel(step)
    batches.append(story.desk.close(story.now, everything=True))
    closed = [batch for batch in batches if batch is not None]
    requests = sum(int(batch.chains.requests.sum()) for batch in closed)
    assert requests == sum(int(batch.flows.requests.sum()) for batch in closed)
    covered = sorted((int(start), int(end)) for batch in closed for start, end in zip(batch.lines.start, batch.lines.end, strict=True))
    assert sum(end - start for start, end in covered) == story.offset, "every byte once"
    assert all(before[1] <= after[0] for before, after in pairwise(covered))
    rejected = sum(row.count for batch in closed for row in batch.rejected)
    assert written - rejected <= requests <= written
    assert all(int(flow) == 0 for batch in closed for flow in batch.flows.requests[batch.flows.join == Join.UNLOGGED])
