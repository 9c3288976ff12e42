"""The readers of the kernel: 20,000 connections a second in bursts of 10 s, none lost, at what share of a core?"""

from collections.abc import Iterator

from bench.child import Work, work
from bench.figure import Figure, limit
from bench.logs import Logs
from tests.lab.busy import quiet

A_SECOND, SECONDS = 20_000, 10
TCP_A_SECOND = 3000
MOST_SHARE = 30
"""Per cent of a core."""


def figures(_: Logs) -> Iterator[Figure]:
    """Conntrack's events by packets, and the ends of sockets by connections."""
    with quiet() as space:
        done = work("reader", "udp", space, str(A_SECOND), str(SECONDS))
        yield from _conntrack(done)
        yield _sockets(work("reader", "tcp", space, str(TCP_A_SECOND), str(SECONDS)))


def _conntrack(done: Work) -> Iterator[Figure]:
    made, told = A_SECOND * SECONDS, done.told
    yield limit(f"conntrack, {A_SECOND:,} connections/s", 100 * done.cpu_seconds / SECONDS, MOST_SHARE, "% of a core")
    missing = made - told["new"] + told["lost"]
    yield Figure("conntrack, events lost", f"{missing:,}", f"{made:,} connections, {told['destroy']:,} ends", "", "0", missing == 0)
    yield Figure("conntrack, an event", f"{1e6 * done.cpu_seconds / told['events']:.1f} us", "", "", "", None)


def _sockets(done: Work) -> Figure:
    told = done.told
    seen = f"{told['events']:,} ends of sockets, {told['lost']:,} lost"
    return Figure("sockets, an event", f"{1e6 * done.cpu_seconds / told['events']:.1f} us", seen)
