"""The whole path of lines: read, joined, unwound, kept; what `bench.path` measures."""

from collections.abc import Callable
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
    folder, clock, counters = TemporaryDirectory(), ManualClock(0), Counters()
    witness = Recorded(connections, clock)
    first_us, last_us = witness.span_us
    log = Paced(path, Path(path).stat().st_size // int(steps) + 1)
    with DuckStore(Path(folder.name)) as store:
        live = LiveStore(store, clock)
        desk = Desk(WindowSettings(), counters, lambda: AROUND, witnessed=True, began_us=first_us)
        pipeline = Pipeline([log], witness, Listeners(counters), desk, live.append, clock, live.moment)
        step_us = (last_us - first_us) // int(steps) + 1
        for step in range(1, int(steps) + 1):
            clock.move_to(first_us + step * step_us)
            pipeline.step()
            live.flush_due(clock.now_us())
        while pipeline.step():
            continue
        pipeline.finish()
        live.flush()
    return partial(_told, folder, counters)


def _told(folder: TemporaryDirectory[str], counters: Counters) -> Told:
    with folder as name:
        with DuckStore(Path(name), read_only=True) as store:
            health = store.health()
        used = sum(path.stat().st_size for path in Path(name).glob("*.duckdb"))
    return {"lines": counters.of("lines_read"), "flows": health.flows, "requests": health.requests, "joined": health.joined, "bytes": used}
