"""How long the program takes to say who it is: what everybody waits for who types a command."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.figure import Figure, limit
from bench.logs import Logs

_TIMES = 11


def figures(logs: Logs) -> Iterator[Figure]:  # noqa: ARG001  # every figure is asked in the same way
    """The median of eleven, by the clock on the wall; the interpreter alone beside it."""
    program = Path(sys.executable).parent / "unmasq"
    ours = statistics.median(_milliseconds([str(program), "--version"]) for _ in range(_TIMES))
    bare = statistics.median(_milliseconds([sys.executable, "-c", "pass"]) for _ in range(_TIMES))
    yield limit("unmasq --version", ours, 250, "ms", f"python -c pass {bare:.0f} ms")


def _milliseconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000
