"""`unmasq run` beside a proxy: node and store in one process, answering on the store's socket meanwhile."""

from collections.abc import Collection, Hashable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Self

from unmasq.base import moments
from unmasq.base.clock import MICROSECONDS, SystemClock
from unmasq.base.heap import tune_for_large_batches
from unmasq.base.telemetry import Counters
from unmasq.base.threads import share_in_short_turns
from unmasq.cli import output as out
from unmasq.cli.once import trust_also
from unmasq.cli.opening import open_port
from unmasq.cli.run import RunOptions
from unmasq.cli.turns import Turns
from unmasq.cli.watching import microseconds, pods_of, say_what_is_watched, summary, sync_of
from unmasq.keep.day.ageing import Ageing
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.keep.spool.reports import KeptReports
from unmasq.model.health import NodeStatus
from unmasq.model.openpart import OpenPart
from unmasq.node.live import Covered, LiveNode
from unmasq.node.receipts import Receipts
from unmasq.node.status import COUNTED, Beside, measured, status
from unmasq.node.watch import Keeper, Watch
from unmasq.serve.owner import Owner
from unmasq.serve.protocol import Backend
from unmasq.serve.questions import of_live
from unmasq.serve.site import Site
from unmasq.serve.vitals import Vitals

if TYPE_CHECKING:
    from unmasq.observe.policy_sync.server import PolicySync

NOTED_US = 5 * MICROSECONDS


def run(options: RunOptions, watch: Watch) -> None:
    """Watch until SIGTERM or SIGINT; then hand on and write everything."""
    tune_for_large_batches()
    share_in_short_turns()
    with Work(options, watch) as work:
        work.turns.run(work.turn)
        work.finish()
    out.note(summary(work.counters))


class Work:
    """The store, the node that fills it, and whoever answers questions about it."""

    def __init__(self, options: RunOptions, watch: Watch) -> None:
        self.counters, self._clock, self._stack = Counters(), SystemClock(), ExitStack()
        self._started = moments.text(self._clock.now_us())
        self.turns, self._vitals, self._noted_us = Turns(self.counters), Vitals(), 0
        try:
            self._open(options, watch)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, options: RunOptions, watch: Watch) -> None:
        flush_us = microseconds(options.flush_seconds)
        store = self._stack.enter_context(DuckStore(options.store))
        self._ageing = Ageing(store, options.retention_days, self._clock.now_us())
        trust_also(store, options.trust, self._clock)
        self._sync = self._sync_of(options, store)
        receipts = Receipts(self._sync)
        self._live = LiveStore(store, self._clock, self._snapshot, wait_us=flush_us, written=receipts.give)
        commit, give_way = receipts.after(store.append), self._live.precedence.give_way
        keeper = Keeper(self._live.append, commit, store.control.trust_list, self._live.moment, give_way=give_way)
        more = [self._sync] if self._sync else []
        covered = _covered(store)
        self._node = self._stack.enter_context(LiveNode(watch, keeper, covered, self._clock, self.counters, more, pods_of(self._sync)))
        backend = of_live(self._live, self._clock, self._status, lambda: watch.node_ranges, vitals=self._vitals)
        self._stack.enter_context(Owner(options.store, backend, self._clock))
        self._port = self._stack.enter_context(open_port(options, self._site(options, backend)))

    def _site(self, options: RunOptions, backend: Backend) -> Site:
        return Site(
            folder=options.store,
            backend=backend,
            clock=self._clock,
            counters=self.counters,
            gauges=self._gauges,
            begun=COUNTED,
            trouble=lambda: self.turns.trouble,
            days_unwritten=lambda: len(self._live.troubles),
            hosts=options.host or (),
            geo=options.geo or (),
            tell=out.note,
        )

    def _gauges(self) -> dict[str, float]:
        kept = {"waiting_rows": float(self._live.waiting_rows()), "days_unwritten": float(len(self._live.troubles))}
        return kept | measured(self._node)

    def _sync_of(self, options: RunOptions, store: DuckStore) -> "PolicySync | None":
        reports = partial(KeptReports, options.store, self._clock)
        return sync_of(options, lambda: _covered(store), lambda: self._stack.enter_context(reports()), self._clock, self.counters)

    def __enter__(self) -> Self:
        say_what_is_watched(self._node, self._sync, self._status())
        self._port.say()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def turn(self) -> None:
        """One round. While flows cannot be written nothing more is read: the log keeps it, and whoever asks is told."""
        now_us = self._clock.now_us()
        if self.turns.trouble is None:
            self._live.flush_due(now_us)
        else:
            self._live.flush()
        self._ageing.turn(now_us)
        self._note(now_us)
        self._node.turn()
        self._live.picture_due(self._clock.now_us())

    def _note(self, now_us: int) -> None:
        """That we are alive and what we lost, every few seconds: answers tell for which time."""
        if not 0 <= now_us - self._noted_us < NOTED_US:
            self._vitals.note(self._node.watch.node, self._started, self.counters.told(), now_us)
            self._noted_us = now_us

    def finish(self) -> None:
        """Read what is there, hand on everything, write it."""
        if self._sync:
            self._sync.close()  # a report that came after the last look would be lost
        self._node.finish()
        self._live.flush()

    def _status(self) -> NodeStatus:
        beside = Beside(self._started, self._sync, store_error=self.turns.trouble)
        return status(self._node, self.counters, beside, self._clock)

    def _snapshot(self, known: Collection[Hashable]) -> list[OpenPart]:
        return self._node.pipeline.snapshot(known)


def _covered(store: DuckStore) -> Covered:
    return {file.file: file.runs for file in store.covered()}
