"""What it costs a node to send its flows away instead of keeping them, and how fast a spool is emptied."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.child import work
from bench.figure import Figure, limit
from bench.logs import Logs
from bench.path import COMING
from bench.serving import serving

_FASTER = 5


def figures(logs: Logs) -> Iterator[Figure]:
    """CPU of the node's process alone, catching up and round by round; then by the clock on the wall, with a server that writes."""
    log, connections = logs.ordinary(), logs.connections()
    live = str(logs.lines * 10 // COMING)
    yield from _added("shipping", 3, logs.folder / "ship", log, connections, str(logs.lines // 9000 + 1))
    yield from _added(f"shipping, 10 rounds a second at {COMING:,} lines/s", 3, logs.folder / "ship-live", log, connections, live)
    yield _replay(logs.folder / "replay", log, connections, live)


def _added(name: str, times: int, folder: Path, log: Path, connections: Path, steps: str) -> Iterator[Figure]:
    """In turns, so that a busy moment of the machine meets all three."""
    with serving(folder / "store") as url:
        taken = [
            (work("joined", log, connections, steps), *(work(what, log, connections, steps, url) for what in ("bare", "shipped")))
            for _ in range(times)
        ]
    added = median(100 * (shipped.cpu_seconds - bare.cpu_seconds) / joined.cpu_seconds for joined, bare, shipped in taken)
    path = f"joined and stored: {median(joined.rate for joined, _, _ in taken):,.0f} lines/s"
    yield limit(f"{name}: CPU added to the joined path", added, 10, "%", path)
    told = taken[0][2].told
    sent = f"{told['batches']:,} batches, {told['bytes'] / taken[0][2].lines:,.1f} bytes a line"
    yield Figure(f"{name}: the node in all", f"{median(shipped.rate for _, _, shipped in taken):,.0f} lines/s", sent)


def _replay(folder: Path, log: Path, connections: Path, steps: str) -> Figure:
    spool = folder / "spool"
    with serving(folder / "store") as url:
        waiting = work("spooled", log, connections, steps, spool).told
        replayed = work("replayed", spool, url)
    rate = replayed.lines / replayed.told["seconds"]
    what = f"{rate:,.0f} lines/s by the clock"
    ratio, must = rate / COMING, f">= {_FASTER}"
    return Figure("spool replay", what, f"live {COMING:,} lines/s, {waiting['batches']:,} batches", f"{ratio:.1f}", must, ratio >= _FASTER)
