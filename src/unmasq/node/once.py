"""Logs at rest: read to the end, in the time of their own lines, and hand on the flows."""

from collections.abc import Callable, Iterable

from unmasq.model.flowbatch import FlowBatch
from unmasq.model.ingress import Chunk
from unmasq.node.desk import GATHER_LINES, Desk


def read_once(chunks: Iterable[Chunk], desk: Desk, sink: Callable[[FlowBatch], None], now_us: int) -> int:
    """Hand on the flows of all chunks; returns the number of lines. The newest line so far is the time at which flows close."""
    count, newest_us = 0, 0
    for chunk in chunks:
        lines = desk.take_lines(chunk, now_us)
        count += len(lines)
        newest_us = max(newest_us, int(lines.time_us.max(initial=0)))
        if len(desk) >= GATHER_LINES:
            _hand_on(desk.close(newest_us), sink)
    _hand_on(desk.close(newest_us, everything=True), sink)
    return count


def _hand_on(batches: Iterable[FlowBatch], sink: Callable[[FlowBatch], None]) -> None:
    for batch in batches:
        sink(batch)
