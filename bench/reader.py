"""The readers of the kernel: 20,000 connections a second in bursts of 10 s, none lost, at what share of a core?"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.child import Work, work
from bench.figure import Figure, limit
from bench.logs import Logs
from tests.lab.deadline import until
from tests.lab.namespace import inside
from tests.lab.processes import Processes, ip_batch
from unmasq.observe import switches

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


@contextmanager
def quiet(seconds: int = 600) -> Iterator[str]:
    """A namespace in which connections are tracked and nobody else makes any. It ends with its process, by itself in the end."""
    home, processes = Path("/proc/self/ns/net").readlink(), Processes()
    space = Path(f"/proc/{processes.start(['unshare', '--net', 'sleep', str(seconds)]).pid}/ns/net")
    try:
        until(lambda: space.readlink() != home, "a namespace of its own")
        with inside(space):
            ip_batch(["link set lo up"])
            subprocess.run(["sysctl", "-qw", "net.ipv4.tcp_tw_reuse=1", "net.ipv4.ip_local_port_range=1024 65000"], check=True)
        switches.turn_on(str(space))
        yield str(space)
    finally:
        processes.end()
