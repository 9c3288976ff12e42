"""The process of `unmasq node`: a node whose flows go into a spool, and a thread that empties it."""

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

from unmasq.base import moments
from unmasq.base.clock import MICROSECONDS, SystemClock
from unmasq.base.errors import StoreError
from unmasq.base.heap import tune_for_large_batches
from unmasq.base.telemetry import Counters
from unmasq.cli import output as out
from unmasq.cli.turns import Turns
from unmasq.cli.watching import WatchOptions, pods_of, say_what_is_watched, summary, sync_of, watch_of
from unmasq.keep.spool.batches import Spool
from unmasq.keep.spool.reports import KeptReports
from unmasq.model import health
from unmasq.model.address import Range
from unmasq.model.health import NodeStatus
from unmasq.node.live import LiveNode
from unmasq.node.outbox import Outbox
from unmasq.node.receipts import Receipts
from unmasq.node.settings import Settings, Told
from unmasq.node.ship import Shipper, Shipping
from unmasq.node.status import COUNTED, Beside, measured, status
from unmasq.node.upstream import Upstream
from unmasq.node.watch import Keeper
from unmasq.serve.nodesocket import NodeSocket
from unmasq.unwind.trust import TrustList

_LEAVE_SECONDS = 5.0  # how long a node that is told to stop goes on sending
_PATIENCE_SECONDS = 2.0  # how long a server may take to name the interval before what it said last holds


class Spooling(NamedTuple):
    """Where flows wait for the server, how many bytes of them at most, and how long they gather before."""

    folder: Path
    most_bytes: int
    gather_us: int


def run(options: WatchOptions, spooling: Spooling, upstream: Upstream, metrics: tuple[str, int] | None) -> None:
    """Watch and send until SIGTERM or SIGINT; then put everything into the spool."""
    tune_for_large_batches()
    counters = Counters()
    with Work(options, spooling, upstream, counters) as work:
        if metrics:
            work.measure(*metrics)
        work.turns.run(work.turn)
        work.finish()
    out.note(summary(counters))


class Work:
    """The spool, the node that fills it, the thread that empties it, and whoever answers how they are."""

    def __init__(self, options: WatchOptions, spooling: Spooling, upstream: Upstream, counters: Counters) -> None:
        self._counters, self._clock, self._stack = counters, SystemClock(), ExitStack()
        self._upstream, self._most_bytes = upstream, spooling.most_bytes
        self._started = moments.text(self._clock.now_us())
        self.turns = Turns(counters)
        try:
            self._open(options, spooling)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, options: WatchOptions, spooling: Spooling) -> None:
        clock = self._clock
        self._spool = self._stack.enter_context(Spool(spooling.folder, clock, self._counters, limit_bytes=self._most_bytes))
        self._told = Told(self._spool, self._counters)
        # Jitter needs no secret randomness.
        self._shipper = Shipper(self._spool, self._upstream, self._told, clock, self._counters, random.random, out.note)
        watch, covered = watch_of(options, self._interval_us()), self._spool.covered()
        self._sync = sync_of(options, self._spool.covered, self._reports(spooling.folder), clock, self._counters)
        receipts = Receipts(self._sync)
        self._outbox = Outbox(receipts.after(self._spool.put), clock, wait_us=spooling.gather_us)
        self._shipping = self._stack.enter_context(Shipping(self._shipper))
        keeper = Keeper(
            self._outbox.append, receipts.after(self._spool.cover), self._trust, threading.Lock(), self._node_ranges, self._interval_told_us
        )
        self._heard: Settings | None = None
        more = [self._sync] if self._sync else []
        self.node = self._stack.enter_context(LiveNode(watch, keeper, covered, clock, self._counters, more, pods_of(self._sync)))
        self._stack.enter_context(NodeSocket(spooling.folder, self._status))

    def _reports(self, folder: Path) -> Callable[[], KeptReports]:
        return lambda: self._stack.enter_context(KeptReports(folder, self._clock))

    def __enter__(self) -> Self:
        say_what_is_watched(self.node, self._sync, self._status())
        self._told.doing = self._status
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def measure(self, host: str, port: int) -> None:
        """Answer for metrics and health from now on. Raises Unreachable."""
        from unmasq.base.exposition import Metrics
        from unmasq.find.losses import by_kind
        from unmasq.serve.gate import HostGate, Hosts
        from unmasq.serve.listening import Listening, tcp
        from unmasq.serve.metrics import metrics_app

        metrics = Metrics(self._counters, self._gauges, COUNTED, by_kind)
        app = metrics_app(metrics, self._broken, HostGate(Hosts(), self._counters))
        self._stack.enter_context(Listening(app, tcp(host, port), counters=self._counters))

    def _broken(self) -> str | None:
        """What fails here, whatever the server does; for anybody, so that it names no client."""
        if self.turns.trouble:
            return f"nothing is read, since {self.turns.trouble}"
        return "sending to the server fails here" if self._shipping.broken else None

    def turn(self) -> None:
        """One round. While the spool cannot be written nothing more is read: the logs keep it."""
        self._outbox.flush_due()
        self._hear()
        self.node.turn()

    def _hear(self) -> None:
        """Let the node know what the server says of others, and the server what others must know of the node."""
        if self.node.own:
            self._told.say(self.node.watch.node, self.node.own.told)
        if self._told.now is not self._heard:
            self._heard = self._told.now
            self.node.hear_of(self._heard.listeners)

    def finish(self) -> None:
        """Read what is there, put everything into the spool, and give the server a moment to take it."""
        if self._sync:
            self._sync.close()  # a report that came after the last look would be lost
        self.node.finish()
        self._outbox.flush()
        self._shipping.leave(_LEAVE_SECONDS)

    def _interval_us(self) -> int:
        return int(self._told.now.interval_seconds * MICROSECONDS)

    def _interval_told_us(self) -> int:
        """What the server says now, if it says so soon; it is asked while witnesses and logs are opened."""
        self._shipper.has_asked.wait(_PATIENCE_SECONDS)
        return self._interval_us()

    def _trust(self) -> TrustList:
        return self._told.now.trust

    def _node_ranges(self) -> Sequence[Range]:
        return self._told.now.node_ranges

    def _status(self) -> NodeStatus:
        waiting = self._spool.backlog()
        shipping = health.Shipping(self._upstream.url, self._shipping.trouble, waiting.batches, waiting.bytes, self._most_bytes)
        beside = Beside(self._started, self._sync, shipping, self.turns.trouble)
        return status(self.node, self._counters, beside, self._clock)

    def _gauges(self) -> dict[str, float]:
        reached = {"server_reached": float(self._shipping.trouble is None), "ready": float(self._broken() is None)} | measured(self.node)
        try:
            backlog = self._spool.backlog()
        except StoreError:  # told as the trouble of who sends; counters are wanted then more than ever
            return reached
        return reached | {"spool_batches": backlog.batches, "spool_bytes": backlog.bytes, "spool_most_bytes": self._most_bytes}
