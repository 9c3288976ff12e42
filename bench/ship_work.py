"""A node's part of the path: what `bench.ship` measures."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.path_work import Replayed, Tell
from unmasq.base.clock import SystemClock
from unmasq.base.telemetry import Counters
from unmasq.keep.spool.batches import Spool
from unmasq.model.flowbatch import FlowBatch
from unmasq.node.outbox import Outbox
from unmasq.node.settings import Told
from unmasq.node.ship import Shipper, Shipping
from unmasq.node.upstream import Upstream

TOKEN = "bench"


def bare(path: str, connections: str, steps: str, url: str) -> Tell:
    """Every line joined, and its flow handed to nobody; what a node opens once when it starts is open all the same."""
    counters, folder = Counters(), TemporaryDirectory()
    with Spool(Path(folder.name), SystemClock(), counters), Upstream(url, lambda: TOKEN):
        loading = _run(path, connections, steps, counters, lambda _batch: None)
    return lambda: {"lines": counters.of("lines_read"), "loading_seconds": loading}


def shipped(path: str, connections: str, steps: str, url: str) -> Tell:
    """As `unmasq node`: the flows go through a spool to a server in another process."""
    counters, folder = Counters(), TemporaryDirectory()
    with ExitStack() as stack:
        spool = stack.enter_context(Spool(Path(folder.name), SystemClock(), counters))
        upstream = stack.enter_context(Upstream(url, lambda: TOKEN))
        shipping = stack.enter_context(Shipping(_shipper(spool, upstream, counters)))
        loading = _run(path, connections, steps, counters, spool.put)
        shipping.leave(120)
    return lambda: _told(counters) | {"lines": counters.of("lines_read"), "loading_seconds": loading}


def spooled(path: str, connections: str, steps: str, folder: str) -> Tell:
    """The same while the server is away."""
    counters = Counters()
    with Spool(Path(folder), SystemClock(), counters) as spool:
        loading = _run(path, connections, steps, counters, spool.put)
        backlog = spool.backlog()
    waits = {"batches": backlog.batches, "bytes": backlog.bytes}
    return lambda: {"lines": counters.of("lines_read"), "loading_seconds": loading} | waits


def replayed(folder: str, url: str) -> Tell:
    """The server is back: all that waits, one batch after another, each on its disk before the next."""
    counters = Counters()
    with Spool(Path(folder), SystemClock(), counters) as spool, Upstream(url, lambda: TOKEN) as upstream:
        shipper = _shipper(spool, upstream, counters)
        began = time.monotonic()
        while shipper.left():
            shipper.step()
        took = time.monotonic() - began
    return lambda: _told(counters) | {"lines": counters.of("ship_lines"), "seconds": took}


def _run(path: str, connections: str, steps: str, counters: Counters, put: Callable[[FlowBatch], None]) -> float:
    recorded = Replayed(path, connections, steps, counters)
    outbox = Outbox(put, recorded.clock)
    recorded.run(outbox.append, threading.Lock(), outbox.flush_due)
    outbox.flush()
    return recorded.loading_seconds


def _shipper(spool: Spool, upstream: Upstream, counters: Counters) -> Shipper:
    return Shipper(spool, upstream, Told(spool, counters), SystemClock(), counters, lambda: 0.5, print)


def _told(counters: Counters) -> dict[str, int]:
    return {name: counters.of(f"ship_{name}") for name in ("batches", "flows", "bytes")}
