"""A whole node beside a busy proxy: 5,000 connections a second, a request each, from its log to the server's store."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.child import ROOT
from bench.figure import Figure, limit
from bench.logs import Logs
from bench.serving import serving
from tests.lab.busy import proxy, quiet
from tests.lab.deadline import until
from tests.lab.processes import Processes
from tests.lab.requests import PROXY
from tests.lab.usage import memory_mb, used_seconds
from unmasq.keep.duck import DuckStore

A_SECOND = 5000
SECONDS = int(os.environ.get("BENCH_NODE_SECONDS", "300"))
MOST_SHARE = 40
"""Per cent of a core."""


class Used(NamedTuple):
    """What the node took while requests came, and how it ended."""

    share: float
    """Per cent of a core."""
    pace: float
    """Connections that were made a second."""
    resident_mb: float
    said: str


def figures(logs: Logs) -> Iterator[Figure]:
    """How much of a core it takes, and whether each request and connection arrived."""
    folder, made = logs.folder / "node", A_SECOND * SECONDS
    with quiet(2 * SECONDS + 300) as space, serving(folder / "store") as url, proxy(space, folder):
        used = _watched(space, folder, url)
    with DuckStore(folder / "store", read_only=True) as store:
        health = store.health()
    yield limit(
        f"node, {A_SECOND:,} connections/s for {SECONDS} s",
        used.share,
        MOST_SHARE,
        "% of a core",
        f"{used.pace:,.0f} made/s, {used.resident_mb:.0f} MB resident",
    )
    yield Figure("node, requests lost", f"{made - health.requests:,}", f"{made:,} requests", "", "0", made == health.requests)
    unjoined = health.requests - health.joined
    yield Figure("node, requests not joined", f"{unjoined:,}", used.said, "", "0", unjoined == 0)


def _watched(space: str, folder: Path, url: str) -> Used:
    program, said = str(Path(sys.executable).parent / "unmasq"), folder / "node.said"
    command = [
        *(program, "node", "--server", url, "--token-file", str(folder / "store-token"), "--spool", str(folder / "node-spool")),
        *("--input", str(folder / "access.log"), "--namespace", space, "--listener", f"{PROXY}:80"),
    ]
    processes = Processes()
    with said.open("wb") as output:
        node = processes.start(command, stderr=output)
    try:
        until(lambda: "watching" in said.read_text(), "unmasq node to watch", 30)
        share, pace = _driven(space, node.pid)
        resident = memory_mb(node.pid)
        node.terminate()
        node.wait(120)
    finally:
        processes.end()
    return Used(share, pace, resident, said.read_text().splitlines()[-1])


def _driven(space: str, pid: int) -> tuple[float, float]:
    """The node's share of a core while requests are made, and how many were made a second."""
    used, began = used_seconds(pid), time.monotonic()
    subprocess.run([sys.executable, "-m", "tests.lab.requests", space, str(A_SECOND), str(SECONDS)], cwd=ROOT, check=True)
    took = time.monotonic() - began
    return 100 * (used_seconds(pid) - used) / took, A_SECOND * SECONDS / took
