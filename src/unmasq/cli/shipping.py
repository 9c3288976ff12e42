"""The process of `unmasq node`: a node whose flows go into a spool, and a thread that empties it."""

import random
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self

from unmasq.base.clock import MICROSECONDS, SystemClock
from unmasq.base.telemetry import Counters
from unmasq.cli import output as out
from unmasq.cli.node import NodeOptions
from unmasq.cli.turns import Turns
from unmasq.cli.watching import microseconds, say_what_is_watched, summary, watch_of
from unmasq.keep.spool import Spool
from unmasq.model.address import Range
from unmasq.node.backoff import BackOff
from unmasq.node.live import Keeper, LiveNode
from unmasq.node.outbox import Outbox
from unmasq.node.settings import Settings, Told
from unmasq.node.ship import Shipper, Shipping
from unmasq.node.upstream import Upstream
from unmasq.unwind.trust import TrustList

_LEAVE_SECONDS = 5.0  # how long a node that is told to stop goes on sending


def run(options: NodeOptions, upstream: Upstream, metrics: tuple[str, int] | None) -> None:
    """Watch and send until SIGTERM or SIGINT; then put everything into the spool."""
    counters = Counters()
    turns = Turns(counters)
    with Work(options, upstream, counters) as work:
        if metrics:
            work.measure(*metrics)
        turns.run(work.turn)
        work.finish()
    out.note(summary(counters))


class Work:
    """The spool, the node that fills it, and the thread that empties it."""

    def __init__(self, options: NodeOptions, upstream: Upstream, counters: Counters) -> None:
        self._counters, self._stack = counters, ExitStack()
        try:
            self._open(options, upstream)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, options: NodeOptions, upstream: Upstream) -> None:
        clock = SystemClock()
        self._spool = self._stack.enter_context(Spool(options.spool, clock, self._counters, limit_bytes=options.spool_mb << 20))
        self._told = Told(self._spool, self._counters)
        # Jitter needs no secret randomness.
        back_off = BackOff(random.random)
        self._shipper = Shipper(self._spool, upstream, self._told, clock, self._counters, back_off, out.note)
        self._shipper.step()  # asks for the settings, so that what is read first is judged by them
        self._outbox = Outbox(self._spool.put, clock, wait_us=microseconds(options.ship_seconds))
        watch = watch_of(options, int(self._told.now.interval_seconds * MICROSECONDS))
        keeper = Keeper(self._outbox.append, self._spool.cover, self._trust, threading.Lock(), self._node_ranges)
        self._heard: Settings | None = None
        self.node = self._stack.enter_context(LiveNode(watch, keeper, self._spool.covered(), clock, self._counters))
        self._shipping = self._stack.enter_context(Shipping(self._shipper, out.note))

    def __enter__(self) -> Self:
        say_what_is_watched(self.node)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def measure(self, host: str, port: int) -> None:
        """Answer for metrics and health from now on. Raises Unreachable."""
        from unmasq.serve.guard import Guard, Hosts
        from unmasq.serve.listening import Listening, tcp
        from unmasq.serve.metrics import Metrics, metrics_app

        app = metrics_app(Metrics(self._counters, self._gauges))
        self._stack.enter_context(Listening(Guard(app, Hosts(), None, {}, self._counters), tcp(host, port)))

    def turn(self) -> None:
        """One round. While the spool cannot be written nothing more is read: the logs keep it."""
        self._outbox.flush_due()
        self._hear()
        self.node.turn()

    def _hear(self) -> None:
        """Let the node know what the server says of others."""
        if self._told.now is not self._heard:
            self._heard = self._told.now
            self.node.hear_of(self._heard.listeners)

    def finish(self) -> None:
        """Read what is there, put everything into the spool, and give the server a moment to take it."""
        self.node.pipeline.step()
        self.node.pipeline.finish()
        self._outbox.flush()
        self._shipping.leave(_LEAVE_SECONDS)

    def _trust(self) -> TrustList:
        return self._told.now.trust

    def _node_ranges(self) -> Sequence[Range]:
        return self._told.now.node_ranges

    def _gauges(self) -> dict[str, float]:
        backlog = self._spool.backlog()
        return {"spool_batches": backlog.batches, "spool_bytes": backlog.bytes, "server_reached": float(self._shipper.trouble is None)}
