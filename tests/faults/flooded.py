"""What a flood did to `unmasq run`, and to the answers about everybody else."""

import threading
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

from tests.faults.site import Site
from tests.lab.deadline import until
from tests.lab.requests import CLIENTS
from tests.lab.usage import memory_mb, used_seconds
from unmasq.model.filter import FlowFilter
from unmasq.serve.protocol import Backend

MOST_MB = 800
"""Resident at the highest, whatever comes. The design has 600 for a usual load at the full rate."""
MOST_TIMES = 2.0
"""How much longer an answer about somebody else may take than beside the same load which nobody reads."""

_PAUSE_SECONDS = 0.4
_PATIENCE_SECONDS = 90


class Flooded(NamedTuple):
    """Lines in the logs, those that became requests, and those that counters say did not: a rejected line may still name its source.

    Memory and CPU are of the process, `calm_ms` and `busy_ms` the medians of answers about others without and with the flood, `cut` what
    was cut by counter, and `wrong` what was not as promised.
    """

    lines: int
    stored: int
    counted: int
    peak_mb: float
    cpu_seconds: float
    calm_ms: float
    busy_ms: float
    cut: Mapping[str, int]
    wrong: str = ""

    @property
    def is_green(self) -> bool:
        """Whether each bound held, and nothing was lost silently."""
        is_bounded = self.peak_mb <= MOST_MB and self.busy_ms <= MOST_TIMES * self.calm_ms
        return is_bounded and self.lines == self.stored + self.counted and not self.wrong


Load = Callable[[], object]


def broken_flood(why: str) -> Flooded:
    """Of one that came to no end."""
    return Flooded(0, 0, 0, 0, 0, 1, 0, {}, why)


def flooded(site: Site, load: Load, calm: Load, cuts: Callable[[Mapping[str, int]], Mapping[str, int]]) -> Flooded:
    """Ask about the usual clients beside a load that nobody reads, then beside the flood; then see whether all is there."""
    earlier = _begin_day(site)
    with site.asked() as backend:
        calm_ms = _asked_beside(site, backend, calm)
        used = used_seconds(site.pid)
        busy_ms = _asked_beside(site, backend, load)
        for usual in site.usual:
            usual.rest()
        lines = _lines(site)
        until(lambda: earlier + _taken(backend) >= lines, "every line to be read", _PATIENCE_SECONDS)
        counters = _counters(backend)
        used = used_seconds(site.pid) - used
    peak = memory_mb(site.pid, peak=True)
    site.program.finish()
    with site.asked() as backend:
        health, wrong = backend.health(), _wrong(site, backend)
        kept = backend.top(FlowFilter(flag=("rejected",)), "source").requests
        summed = backend.top(FlowFilter(flag=("others",)), "source").requests  # known once a flow has closed, which it does at the end
    counted = sum(count for name, count in counters.items() if name.startswith("lines_rejected")) - kept
    return Flooded(lines, health.requests, counted, peak, used, calm_ms, busy_ms, cuts({**counters, "requests_others": summed}), wrong)


def _begin_day(site: Site) -> int:
    """Start again once the usual clients are known, so that their day has a file, as it soon has after any start; the lines stored."""
    with site.asked() as backend:
        until(lambda: all(_found(backend, usual.address) for usual in site.usual), "the usual clients to be found")
    site.program.finish()
    with site.asked() as backend:
        lines = backend.health().requests
    site.begin()
    return lines


def _asked_beside(site: Site, backend: Backend, load: Load) -> float:
    """The median of answers about the usual clients in milliseconds, asked again and again until a load is over."""
    loading, taken = threading.Thread(target=load), list[float]()
    loading.start()
    while loading.is_alive() or not taken:
        usual = site.usual[len(taken) % len(site.usual)]
        began = time.perf_counter()
        backend.trace(usual.address, FlowFilter(), is_quick=True)
        taken.append(time.perf_counter() - began)
        time.sleep(_PAUSE_SECONDS)
    loading.join()
    return 1000 * median(taken)


def _lines(site: Site) -> int:
    """The lines of all logs; half of one is none."""
    count = 0
    for path in site.logs:
        with path.open("rb") as log:
            while data := log.read(1 << 24):
                count += data.count(b"\n")
    return count


def _counters(backend: Backend) -> Mapping[str, int]:
    status = backend.status()
    return status.counters if status else {}


def _taken(backend: Backend) -> int:
    return _counters(backend).get("lines_read", 0)


def _found(backend: Backend, address: str) -> int:
    """Requests of which an address is the client."""
    return sum(seen.requests for seen in backend.trace(address, FlowFilter(), is_quick=True).roles if seen.role == "client")


def _wrong(site: Site, backend: Backend) -> str:
    """Each usual client has its requests, and nobody is a client but who is in the namespace or was forwarded by the trusted one."""
    for usual in site.usual:
        if (found := _found(backend, usual.address)) != usual.made:
            return f"{usual.address} made {usual.made} requests, {found} are told"
    framed = [seen.ip for seen in backend.top(FlowFilter(), "client", 1000).ranked if not seen.ip.startswith(f"{CLIENTS}.")]
    return "" if framed == [site.usual[-1].address] else f"somebody was framed: {framed[:3]}"
