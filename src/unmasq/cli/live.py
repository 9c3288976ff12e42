"""`unmasq run` beside a proxy: node and store in one process, answering on the store's socket meanwhile."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from unmasq.base import moments
from unmasq.base.clock import SystemClock
from unmasq.base.telemetry import Counters
from unmasq.cli import output as out
from unmasq.cli.once import trust_also
from unmasq.cli.turns import Turns
from unmasq.cli.watching import say_what_is_watched, summary
from unmasq.keep.ageing import Ageing
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.health import NodeStatus
from unmasq.node.live import Keeper, LiveNode, Watch
from unmasq.node.status import status
from unmasq.serve.owner import Owner


def run(folder: Path, watch: Watch, trust: str, flush_us: int, retention_days: int) -> None:
    """Watch until SIGTERM or SIGINT; then hand on and write everything."""
    with Work(folder, watch, trust, flush_us, retention_days) as work:
        work.turns.run(work.turn)
        work.finish()
    out.note(summary(work.counters))


class Work:
    """The store, the node that fills it, and whoever answers questions about it."""

    def __init__(self, folder: Path, watch: Watch, trust: str, flush_us: int, retention_days: int) -> None:
        self.counters, self._clock, self._stack = Counters(), SystemClock(), ExitStack()
        self._started = moments.text(self._clock.now_us())
        self.turns = Turns(self.counters)
        try:
            self._open(folder, watch, trust, flush_us, retention_days)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, folder: Path, watch: Watch, trust: str, flush_us: int, retention_days: int) -> None:
        store = self._stack.enter_context(DuckStore(folder))
        self._ageing = Ageing(store, retention_days, self._clock.now_us())
        trust_also(store, trust, self._clock)
        covered = {file.file: file.runs for file in store.covered()}
        self._live = LiveStore(store, self._clock, self._snapshot, wait_us=flush_us)
        keeper = Keeper(self._live.append, store.append, store.control.trust_list, self._live.moment)
        self._node = self._stack.enter_context(LiveNode(watch, keeper, covered, self._clock, self.counters))
        self._stack.enter_context(Owner(folder, self._live, store.control, self._clock, self._status))

    def __enter__(self) -> Self:
        say_what_is_watched(self._node)
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
        self._node.turn()

    def finish(self) -> None:
        """Read what is there, hand on everything, write it."""
        self._node.pipeline.step()
        self._node.pipeline.finish()
        self._live.flush()

    def _status(self) -> NodeStatus:
        return status(self._node, self.counters, self._started, self.turns.trouble, self._clock)

    def _snapshot(self) -> FlowBatch | None:
        return self._node.pipeline.snapshot()
