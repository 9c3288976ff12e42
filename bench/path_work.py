"""The whole path of lines: read, joined, unwound, kept; what `bench.path` measures."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.replay import READ_US, Paced, Recorded, chunks
from tests.truth.world import TRUST
from unmasq.base.clock import ManualClock
from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.model.flowbatch import FlowBatch
from unmasq.node.desk import Desk
from unmasq.node.flows import Surroundings
from unmasq.node.once import read_once
from unmasq.node.pipeline import Pipeline
from unmasq.observe.listeners import Listeners
from unmasq.unwind.trust import TrustList, entry

Told = dict[str, Any]
Tell = Callable[[], Told]
"""What is looked up when the work is done, and is no part of it."""

AROUND = Surroundings("bench", TrustList([entry("ours", text) for text in TRUST], 1))


def once(path: str) -> Tell:
    """As `unmasq run --once`: no kernel, large batches."""
    folder, counters = TemporaryDirectory(), Counters()
    with DuckStore(Path(folder.name)) as store:
        desk = Desk(WindowSettings(), counters, lambda: AROUND, witnessed=False, began_us=READ_US)
        read_once(chunks(path), desk, store.append, READ_US)
    return partial(_told, folder, counters)


def joined(path: str, connections: str, steps: str) -> Tell:
    """As `unmasq run` beside a proxy: every line has its connection. The log comes in so many steps."""
    folder, counters = TemporaryDirectory(), Counters()
    recorded = Replayed(path, connections, steps, counters)
    with DuckStore(Path(folder.name)) as store:
        live = LiveStore(store, recorded.clock)
        recorded.run(live.append, live.moment, lambda: live.flush_due(recorded.clock.now_us()))
        live.flush()
    return lambda: _told(folder, counters) | {"loading_seconds": recorded.loading_seconds}


class Replayed:
    """A log and its connections, as they came: so many steps, in the time at which it happened."""

    def __init__(self, path: str, connections: str, steps: str, counters: Counters) -> None:
        self.clock, self._counters, self._steps = ManualClock(0), counters, int(steps)
        began = time.process_time()
        self._witness = Recorded(connections, self.clock)
        self.loading_seconds = time.process_time() - began
        """What only the measuring needs: a kernel tells its events without a file."""
        self._log = Paced(path, Path(path).stat().st_size // self._steps + 1)

    def run(self, sink: Callable[[FlowBatch], None], moment: AbstractContextManager[object], after_step: Callable[[], object]) -> None:
        """Hand the flows of all lines to the sink."""
        first_us, last_us = self._witness.span_us
        desk = Desk(WindowSettings(), self._counters, lambda: AROUND, witnessed=True, began_us=first_us)
        pipeline = Pipeline([self._log], self._witness, Listeners(self._counters), desk, sink, self.clock, moment)
        step_us = (last_us - first_us) // self._steps + 1
        for step in range(1, self._steps + 1):
            self.clock.move_to(first_us + step * step_us)
            pipeline.step()
            after_step()
        while pipeline.step():
            continue
        pipeline.finish()


def _told(folder: TemporaryDirectory[str], counters: Counters) -> Told:
    with folder as name:
        with DuckStore(Path(name), read_only=True) as store:
            health = store.health()
        used = sum(path.stat().st_size for path in Path(name).glob("*.duckdb"))
    return {"lines": counters.of("lines_read"), "flows": health.flows, "requests": health.requests, "joined": health.joined, "bytes": used}
