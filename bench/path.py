"""Line, joined, stored: against a mere parse by a short script, on the same file."""

from collections.abc import Iterator, Sequence
from statistics import median

from bench.child import Work, work
from bench.figure import Figure, pairs, rate
from bench.logs import Logs

GOAL = 150_000
"""Lines per CPU second that we want to reach."""


COMING = 1000
"""Lines a second in the generated logs."""


def figures(logs: Logs) -> Iterator[Figure]:
    """Without a kernel, as logs at rest are read; and with one, catching up and step by step."""
    log = logs.ordinary()
    once, naive = pairs(lambda: work("once", log), lambda: work("naive", log))
    yield from _told("path, logs at rest", once, naive)
    steps = logs.lines // 9000 + 1
    joined, naive = pairs(lambda: work("joined", log, logs.connections(), str(steps)), lambda: work("naive", log))
    yield from _told("path, every line joined", joined, naive)
    live = work("joined", log, logs.connections(), str(logs.lines * 10 // COMING))
    yield Figure(f"path, 10 rounds a second at {COMING:,} lines/s", f"{live.rate:,.0f} lines/s")


def _told(name: str, ours: Sequence[Work], naive: Sequence[Work]) -> Iterator[Figure]:
    rates = [w.rate for w in ours]
    yield rate(name, rates, [w.rate for w in naive], "parsing alone with json + ipaddress", 2)
    yield Figure(f"{name}: of the goal", f"{median(rates):,.0f} lines/s", f"{GOAL:,} lines/s", f"{median(rates) / GOAL:.2f}")
    told = ours[0].told
    yield Figure(f"{name}: joined", f"{told['joined'] / told['requests']:.2%}", f"{told['requests']:,} requests")
    yield Figure(f"{name}: peak memory", f"{max(w.peak_mb for w in ours):,.0f} MB")
    disk = f"{told['bytes'] / told['flows']:,.0f} bytes a flow"
    yield Figure(f"{name}: on disk", disk, f"{told['flows']:,} flows, {told['bytes'] / told['requests']:,.0f} bytes a line")
