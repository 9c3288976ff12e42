"""Each measurement runs in a process of its own, so that none warms another's memories or inherits its memory."""

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent


class Work(NamedTuple):
    """What a piece of work took, as its process measured it itself: without start and imports."""

    lines: int
    cpu_seconds: float
    peak_mb: float
    told: dict[str, Any]

    @property
    def rate(self) -> float:
        """Lines per CPU second."""
        return self.lines / self.cpu_seconds


def work(what: str, *arguments: str | Path) -> Work:
    """Run one of `bench.work` in a fresh interpreter. Raises CalledProcessError if it fails."""
    command = [sys.executable, "-m", "bench.work", what, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    told = json.loads(done.stdout)
    return Work(told.pop("lines"), told.pop("cpu_seconds"), told.pop("peak_mb"), told)


def cpu_seconds(command: Sequence[str | Path]) -> float:
    """User and system time of a program and its children, start included. Raises CalledProcessError if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
