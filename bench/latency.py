"""From the moment at which a line stands in the log until `trace` finds it: a live `unmasq run`, asked over its socket."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

from bench.figure import Figure, limit
from bench.logs import Logs
from tests.truth.world import TRUST, client
from unmasq.base.clock import SystemClock
from unmasq.model.filter import FlowFilter
from unmasq.serve.backend import open_backend
from unmasq.serve.protocol import Backend

LINES = 250
_BESIDE = 20
"""Ordinary lines that are written with each one that is waited for: nobody's log is still."""

_FIRST = 5_000_000  # numbers of clients that no generated log has
_PATIENCE_SECONDS = 10.0


def figures(logs: Logs) -> Iterator[Figure]:
    """The median and the 99th of 100, by the clock on the wall."""
    with logs.ordinary().open("rb") as ordinary, _running(logs.folder / "latency") as (log, backend):
        took = []
        for number in range(LINES):
            beside = [ordinary.readline() for _ in range(_BESIDE)]
            took.append(_seconds(log, beside, client(_FIRST + number), backend))
            time.sleep(number % 10 * 0.013)  # so that lines meet every moment of the reader's rounds
    cuts = quantiles(took, n=100)
    yield limit("line written -> found by trace, p50", cuts[49], 1, "s")
    yield limit("line written -> found by trace, p99", cuts[98], 1, "s", f"{LINES} lines, the slowest {max(took):.2f} s")


def _seconds(log: Path, beside: list[bytes], address: str, backend: Backend) -> float:
    """How long one line takes until its client is found. Raises TimeoutError after ten seconds."""
    with log.open("ab") as file:
        file.write(b"".join(beside) + _line(address))
    written = time.monotonic()
    while not backend.trace(address, FlowFilter()).found:
        if time.monotonic() - written > _PATIENCE_SECONDS:
            raise TimeoutError(address)
        time.sleep(0.002)
    return time.monotonic() - written


def _line(address: str) -> bytes:
    dest = "2001:db8:1e::10" if ":" in address else "10.244.1.10"
    return (
        f'unmasq: {{"source_port": 40000, "destination_ip": "{dest}", "destination_port": 80, "source_ip": "{address}", '
        '"x-forwarded-for": "-", "x-real-ip": "-"}\n'
    ).encode()


@contextmanager
def _running(folder: Path) -> Iterator[tuple[Path, Backend]]:
    """A log, and whoever answers for the store that a live `unmasq run` fills from it."""
    log, store = folder / "access.log", folder / "store"
    folder.mkdir()
    log.touch()
    program = Path(sys.executable).parent / "unmasq"
    command = [str(program), "run", "--input", str(log), "--store", str(store), "--no-kernel", "--trust", ",".join(TRUST)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        with _answering(store) as backend:
            yield log, backend
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextmanager
def _answering(store: Path) -> Iterator[Backend]:
    """Whoever answers for the store, once somebody does."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (store / "api.sock").exists():
        if time.monotonic() > deadline:
            raise TimeoutError(store)
        time.sleep(0.05)
    with open_backend(store, SystemClock()) as backend:
        yield backend
