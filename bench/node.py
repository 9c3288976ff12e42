"""A whole node beside a busy proxy: 5,000 connections a second, a request each, from its log to the server's store."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.child import ROOT, resident_mb, used_seconds
from bench.figure import Figure, limit
from bench.logs import Logs
from bench.reader import quiet
from bench.requests import CLIENTS, PROXY
from bench.serving import serving
from tests.lab.deadline import until
from tests.lab.formats import COMBINED, EXTENDED, log_format
from tests.lab.namespace import inside
from tests.lab.processes import Processes, ip_batch, run
from unmasq.keep.duck import DuckStore

A_SECOND = 5000
SECONDS = int(os.environ.get("BENCH_NODE_SECONDS", "300"))
MOST_SHARE = 40
"""Per cent of a core."""

_SETTINGS = Path(__file__).parent / "node.conf"
_SWITCHES = ["net.netfilter.nf_conntrack_tcp_timeout_time_wait=10", "net.core.somaxconn=8192"]


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
    with quiet(2 * SECONDS + 300) as space, serving(folder / "store") as url, _proxy(space, folder):
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


@contextmanager
def _proxy(space: str, folder: Path) -> Iterator[None]:
    """Nginx in the namespace, where every address of the clients is there."""
    settings, processes = folder / "nginx.conf", Processes()
    text = _SETTINGS.read_text(encoding="ascii").replace("@DIR@", str(folder))
    settings.write_text(text.replace("@FORMAT@", log_format("marked", f"{COMBINED} {EXTENDED}")), encoding="ascii")
    with inside(Path(space)):
        ip_batch([f"route add local {where} dev lo" for where in (f"{CLIENTS}.0.0/16", PROXY)])
        run(["sysctl", "-qw", *_SWITCHES])
        processes.start(["nginx", "-e", str(folder / "error.log"), "-c", str(settings)])
    try:
        until((folder / "nginx.pid").exists, "nginx to start")
        yield
    finally:
        processes.end()


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
        resident = resident_mb(Path(f"/proc/{node.pid}/status").read_text(encoding="ascii"))
        node.terminate()
        node.wait(120)
    finally:
        processes.end()
    return Used(share, pace, resident, said.read_text().splitlines()[-1])


def _driven(space: str, pid: int) -> tuple[float, float]:
    """The node's share of a core while requests are made, and how many were made a second."""
    used, began = used_seconds(pid), time.monotonic()
    subprocess.run([sys.executable, "-m", "bench.requests", space, str(A_SECOND), str(SECONDS)], cwd=ROOT, check=True)
    took = time.monotonic() - began
    return 100 * (used_seconds(pid) - used) / took, A_SECOND * SECONDS / took
