"""A store of many days whose owner is killed with -9: how long it takes until the next one answers."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.figure import Figure, limit
from bench.kept import fill
from bench.logs import Logs
from tests.crash.shipping import Program
from tests.lab.deadline import until
from tests.truth.world import client
from unmasq.base.errors import UnmasqError
from unmasq.keep.duck import DuckStore
from unmasq.model.filter import FlowFilter
from unmasq.serve.client import owner_of

DAYS = 30
TIMES = 5
_LINES = int(os.environ.get("BENCH_FLOWS", "5900000"))  # lines, of which five million flows come
_PATIENCE_SECONDS = 120

_USUAL, _BUSY = client(5001), client(3)
"""An address of hundreds of requests over all days, and one of the busiest, with ten thousands."""


class Started(NamedTuple):
    """Seconds from the start of the process until it had answered about the usual address, and then about the busy one."""

    usual: float
    busy: float


def figures(logs: Logs) -> Iterator[Figure]:
    """By the clock on the wall, from the start of the process to its answers about addresses of all days."""
    store = logs.folder / "recovery"
    fill(store, DAYS, _LINES // DAYS)
    with DuckStore(store, read_only=True) as filled:
        flows = filled.health().flows
    log = logs.folder / "recovered.log"
    log.touch()
    reads = ("--input", str(log), "--from-start", "--no-kernel", "--listen", "none", "--flush-seconds", "1")
    run = Program(logs.folder / "recovery.said", "run", "--store", str(store), *reads)
    try:
        orderly = [_started(run, store, log, logs.ordinary(), is_killed=False) for _ in range(TIMES)]
        killed = [_started(run, store, log, logs.ordinary(), is_killed=True) for _ in range(TIMES)]
    finally:
        run.kill()
    yield from _told(flows, orderly, killed)


def _told(flows: int, orderly: Sequence[Started], killed: Sequence[Started]) -> Iterator[Figure]:
    told = f"after an orderly end {median(one.usual for one in orderly):.2f} s"
    what = f"answers again after kill -9, {flows:,} flows over {DAYS} days"
    yield limit(f"{what}, median", median(one.usual for one in killed), 3, "s", told)
    yield limit("the same, the slowest", max(one.usual for one in killed), 3, "s", told)
    busy = median(one.busy for one in killed)
    told = f"after an orderly end {median(one.busy for one in orderly):.2f} s"
    yield Figure("the same, and then about one of the busiest addresses", f"{busy:.2f} s", told)


def _started(run: Program, store: Path, log: Path, more: Path, *, is_killed: bool) -> Started:
    """Let one owner write lines of a log, end it, and time the next one, which has most of these lines still to read."""
    run.start()
    until(lambda: _answers(store, _USUAL), "an answer", _PATIENCE_SECONDS)
    before = _sizes(store)
    with log.open("ab") as written:
        written.write(more.read_bytes())
    until(lambda: _sizes(store) != before, "something to be written", _PATIENCE_SECONDS)
    run.kill() if is_killed else run.finish()
    began = time.perf_counter()
    run.start()
    until(lambda: _answers(store, _USUAL), "an answer", _PATIENCE_SECONDS)
    usual = time.perf_counter() - began
    until(lambda: _answers(store, _BUSY), "an answer", _PATIENCE_SECONDS)
    busy = time.perf_counter() - began
    run.finish(_PATIENCE_SECONDS)
    return Started(usual, busy)


def _sizes(store: Path) -> int:
    return sum(path.stat().st_size for path in store.glob("flows-*.duckdb*"))


def _answers(store: Path, address: str) -> bool:
    """The owner, and nobody who reads files while there is none yet."""
    try:
        with owner_of(store) as owner:
            return owner is not None and owner.trace(address, FlowFilter(), is_quick=True).found
    except UnmasqError:
        return False
