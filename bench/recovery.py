"""A store of many days whose owner is killed with -9: how long it takes until the next one answers."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.figure import Figure, limit
from bench.kept import fill
from bench.logs import Logs
from tests.crash.shipping import Program
from tests.lab.deadline import until
from tests.truth.world import client
from unmasq.base.errors import UnmasqError
from unmasq.model.filter import FlowFilter
from unmasq.serve.client import owner_of

DAYS = 30
TIMES = 5
_LINES = int(os.environ.get("BENCH_FLOWS", "5000000"))
_PATIENCE_SECONDS = 120


def figures(logs: Logs) -> Iterator[Figure]:
    """By the clock on the wall, from the start of the process to its first answer about an address of all days."""
    store = logs.folder / "recovery"
    fill(store, DAYS, _LINES // DAYS)
    log = logs.folder / "recovered.log"
    log.touch()
    reads = ("--input", str(log), "--from-start", "--no-kernel", "--listen", "none", "--flush-seconds", "1")
    run = Program(logs.folder / "recovery.said", "run", "--store", str(store), *reads)
    try:
        orderly = median(_started(run, store, log, logs.ordinary(), is_killed=False) for _ in range(TIMES))
        killed = sorted(_started(run, store, log, logs.ordinary(), is_killed=True) for _ in range(TIMES))
    finally:
        run.kill()
    told = f"after an orderly end {orderly:.2f} s"
    yield limit(f"answers again after kill -9, {_LINES:,} lines over {DAYS} days, median", median(killed), 3, "s", told)
    yield limit("the same, the slowest", killed[-1], 3, "s", told)


def _started(run: Program, store: Path, log: Path, more: Path, *, is_killed: bool) -> float:
    """Let one owner write lines of a log, end it, and time the next one; seconds."""
    run.start()
    until(lambda: _answers(store), "an answer", _PATIENCE_SECONDS)
    before = _sizes(store)
    with log.open("ab") as written:
        written.write(more.read_bytes())
    until(lambda: _sizes(store) != before, "something to be written", _PATIENCE_SECONDS)
    run.kill() if is_killed else run.finish()
    began = time.perf_counter()
    run.start()
    until(lambda: _answers(store), "an answer", _PATIENCE_SECONDS)
    took = time.perf_counter() - began
    run.finish(_PATIENCE_SECONDS)
    return took


def _sizes(store: Path) -> int:
    return sum(path.stat().st_size for path in store.glob("flows-*.duckdb*"))


def _answers(store: Path) -> bool:
    """The owner, and nobody who reads files while there is none yet."""
    try:
        with owner_of(store) as owner:
            return owner is not None and owner.trace(client(3), FlowFilter(), is_quick=True).found
    except UnmasqError:
        return False
