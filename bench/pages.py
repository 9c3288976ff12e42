"""Pages and questions of a store of many days, from a real `unmasq serve`: BENCH_FLOWS lines (5,000,000) over thirty days."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple, Self

import httpx2

from bench.child import work
from bench.figure import Figure, limit
from bench.kept import fill
from bench.logs import Logs
from bench.serving import serving
from tests.truth.world import client
from unmasq.base.clock import SystemClock
from unmasq.keep.control.tokens import Tokens
from unmasq.keep.duck import DuckStore
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter

DAYS = 30
READERS = 20
PAIRS = 6
_LINES = int(os.environ.get("BENCH_FLOWS", "5000000"))
_PAUSE_SECONDS = 1.0  # of a reader between two questions

_ADDRESSES = [client(number) for number in (*range(1, 60, 2), *range(5001, 5060, 2), *range(40_001, 40_060, 2))]
"""Busy ones, usual ones and rare ones, each asked once."""

_SCAN = """
SELECT count(DISTINCT f.connection), sum(c.requests)::BIGINT, min(c.first_us), max(c.last_us)
FROM day.chains c JOIN day.flows f ON f.flow = c.flow WHERE c.client_hi = $hi::UBIGINT AND c.client_lo = $lo::UBIGINT
"""


def figures(logs: Logs) -> Iterator[Figure]:
    """By the clock on the wall, another address each time; the scan is of the same store, in the same process as `span`."""
    folder = logs.folder / "pages"
    fill(folder, DAYS, _LINES // DAYS)
    os.sync()  # what was written is not to be in the way of what is measured
    yield from _questions(folder)
    token = Tokens(folder).add("bench", "see", SystemClock().now_us())
    with serving(folder) as url, httpx2.Client(base_url=url, headers=_as(token), timeout=60) as browser:
        yield from _pages(browser)
        yield from _while_asked(logs, url, token)


class Quantiles(NamedTuple):
    """Of what was timed, in milliseconds."""

    p50: float
    p99: float


def _quantiles(seconds: Sequence[float]) -> Quantiles:
    ordered = sorted(seconds)
    return Quantiles(*(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.99)))


def _timed(asked: Callable[[str], object], addresses: Sequence[str]) -> Quantiles:
    taken = []
    for address in addresses:
        began = time.perf_counter()
        asked(address)
        taken.append(time.perf_counter() - began)
    return _quantiles(taken)


def _questions(folder: Path) -> Iterator[Figure]:
    with DuckStore(folder, read_only=True) as store:
        flows = store.health().flows
        store.span(parse_range(client(3)), FlowFilter())  # opens the files
        span = _timed(lambda address: store.span(parse_range(address), FlowFilter()), _ADDRESSES)
        scan = _timed(lambda address: _scanned(store, address), _ADDRESSES[::10])
        told = f"plain scan {scan.p50:.0f} ms"
        what = f"span over {DAYS} days, {flows:,} flows"
        yield limit(f"{what}, p50", span.p50, 50, "ms", told)._replace(ratio=f"{scan.p50 / span.p50:.1f}")
        yield limit(f"{what}, p99", span.p99, 250, "ms", told)._replace(ratio=f"{scan.p50 / span.p99:.1f}")
        yield from _facets(store, scan)


def _facets(store: DuckStore, scan: Quantiles) -> Iterator[Figure]:
    for what, wanted in (("everything", FlowFilter()), ("one address", FlowFilter(client=(client(1),)))):
        began = time.perf_counter()
        found = store.facets(wanted, ("client", "host", "path", "status", "evidence"))
        took = 1000 * (time.perf_counter() - began)
        told = "complete" if found.complete else f"counted over the newest {found.counted:,} flows"
        yield Figure(
            f"facets of {what}", f"{took:.0f} ms", told, f"{scan.p50 / took:.1f}", "<= 200 ms or honest", took <= 400
        )  # one slice more


def _scanned(store: DuckStore, address: str) -> list[tuple[object, ...]]:
    """The totals of a client without the index, one day after the other."""
    hi, lo = parse_range(address).first
    with store.view(FlowFilter()) as view:
        return [row for place in range(len(view.sources)) for row in view.ask(view.within(place, _SCAN), {"hi": hi, "lo": lo})]


def _pages(browser: httpx2.Client) -> Iterator[Figure]:
    browser.get(f"/ip/{client(3)}")
    sizes: list[int] = []

    def page(address: str) -> None:
        with browser.stream("GET", f"/ip/{address}", headers={"accept-encoding": "gzip", "accept": "text/html"}) as answer:
            answer.raise_for_status()
            sizes.append(sum(len(chunk) for chunk in answer.iter_raw()))

    taken = _timed(page, _ADDRESSES)
    yield limit("page of an address, all of it, p50", taken.p50, 150, "ms")
    yield limit("page of an address, all of it, p99", taken.p99, 150, "ms", "the median is what is promised")._replace(must="", ok=None)
    yield limit("page of an address, compressed, the largest", max(sizes) / 1000, 100, "KB")
    for path in ("/", "/flows", "/api/v1/top?last=30d"):
        quick = _timed(lambda path: browser.get(path).raise_for_status(), [path] * 5)
        yield Figure(f"GET {path}", f"{quick.p50:.0f} ms")


def _while_asked(logs: Logs, url: str, token: str) -> Iterator[Figure]:
    """How fast a spool is emptied into the server with and without readers, and how long these wait with and without that."""
    calm, busy = Readers(url, token), Readers(url, token)
    with Readers(url, token):
        time.sleep(5)  # the first question about a day opens its file
    alone, beside = [], []
    for number in range(PAIRS):
        alone.append(_replay(logs, url, f"alone-{number}"))
        with calm:  # of as much as there is by now
            time.sleep(5)
        with busy:
            beside.append(_replay(logs, url, f"beside-{number}"))
    yield _loss(median(alone), median(beside), median(100 * (1 - less / all_) for less, all_ in zip(beside, alone, strict=True)))
    yield _waiting(_quantiles(calm.taken), _quantiles(busy.taken))


def _loss(alone: float, beside: float, lost: float) -> Figure:
    what, told = f"ingest beside {READERS} readers", f"alone {alone:,.0f} lines/s"
    return Figure(what, f"{beside:,.0f} lines/s", told, f"{lost:.0f} % less", "<= 20 %", lost <= 20)


def _waiting(calm: Quantiles, busy: Quantiles) -> Figure:
    told = f"without ingest {calm.p99:.0f} ms"
    return Figure("their questions, p99", f"{busy.p99:.0f} ms", told, f"{busy.p99 / calm.p99:.2f}", "<= 2", busy.p99 <= 2 * calm.p99)


def _replay(logs: Logs, url: str, name: str) -> float:
    spool = logs.folder / f"pages-spool-{name}"
    work("spooled", logs.ordinary(), logs.connections(), str(logs.lines // 9000 + 1), spool)
    done = work("replayed", spool, url)
    return float(done.lines / done.told["seconds"])


class Readers:
    """As many people, each with a question about another address each second, while it is entered, also again."""

    def __init__(self, url: str, token: str) -> None:
        self.taken: list[float] = []
        self._url, self._token, self._stop = url, token, threading.Event()

    def __enter__(self) -> Self:
        self._stop.clear()
        self._threads = [threading.Thread(target=self._read, args=(number,)) for number in range(READERS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self, number: int) -> None:
        with httpx2.Client(base_url=self._url, headers=_as(self._token), timeout=60) as browser:
            while not self._stop.wait(_PAUSE_SECONDS * (0.5 + number / READERS)):
                address = _ADDRESSES[(number * 7 + len(self.taken)) % len(_ADDRESSES)]
                began = time.perf_counter()
                browser.get(f"/api/v1/trace/{address}", params={"last": "24h", "quick": "true"}).raise_for_status()
                self.taken.append(time.perf_counter() - began)


def _as(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}
