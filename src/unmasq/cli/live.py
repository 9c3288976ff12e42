"""`unmasq run` beside a proxy: node and store in one process, answering on the store's socket meanwhile."""

import signal
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from unmasq.base import moments
from unmasq.base.clock import MICROSECONDS, SystemClock
from unmasq.base.errors import StoreError
from unmasq.base.telemetry import Counters
from unmasq.cli import output as out
from unmasq.cli.once import summary, trust_also
from unmasq.keep.ageing import close_days, expire
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.health import NodeStatus
from unmasq.node.live import Keeper, LiveNode, Watch
from unmasq.node.status import status
from unmasq.serve.owner import Owner

_PAUSE_SECONDS = 1.0  # between two tries to write what could not be written
_AGEING_US = 3600 * MICROSECONDS  # closed days get their sorted index, and old ones go, this often


def run(folder: Path, watch: Watch, trust: str, flush_us: int, retention_days: int) -> None:
    """Watch until SIGTERM or SIGINT; then hand on and write everything."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Work(folder, watch, trust, flush_us, retention_days) as work:
        while not stop.is_set():
            work.turn(stop)
        work.finish()
    out.note(summary(work.counters))


class Work:
    """The store, the node that fills it, and whoever answers questions about it."""

    def __init__(self, folder: Path, watch: Watch, trust: str, flush_us: int, retention_days: int) -> None:
        self.counters, self._clock, self._stack = Counters(), SystemClock(), ExitStack()
        self._started = moments.text(self._clock.now_us())
        self._trouble: str | None = None
        self._aged_us, self._retention_days = self._clock.now_us(), retention_days
        try:
            self._open(folder, watch, trust, flush_us)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, folder: Path, watch: Watch, trust: str, flush_us: int) -> None:
        store = self._stack.enter_context(DuckStore(folder))
        trust_also(store, trust, self._clock)
        covered = {file.file: file.runs for file in store.covered()}
        self._live = LiveStore(store, self._clock, self._snapshot, wait_us=flush_us)
        keeper = Keeper(self._live.append, store.append, store.control.trust_list, self._live.moment)
        self._node = self._stack.enter_context(LiveNode(watch, keeper, covered, self._clock, self.counters))
        self._stack.enter_context(Owner(folder, self._live, store.control, self._clock, self._status))

    def __enter__(self) -> Self:
        _say_what_is_watched(self._node)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def turn(self, stop: threading.Event) -> None:
        """One round. While flows cannot be written nothing more is read: the log keeps it, and whoever asks is told."""
        try:
            self._write()
            self._node.turn()
            self._trouble = None
        except StoreError as error:
            if self._trouble is None:
                out.note(str(error))
            self._trouble = error.what
            self.counters.add("store_failed")
            stop.wait(_PAUSE_SECONDS)

    def _write(self) -> None:
        now_us = self._clock.now_us()
        if self._trouble is None:
            self._live.flush_due(now_us)
        else:
            self._live.flush()
        if now_us - self._aged_us >= _AGEING_US:
            self._aged_us = now_us
            list(close_days(self._live.store))
            expire(self._live.store, self._retention_days)

    def finish(self) -> None:
        """Read what is there, hand on everything, write it."""
        self._node.pipeline.step()
        self._node.pipeline.finish()
        self._live.flush()

    def _status(self) -> NodeStatus:
        return status(self._node, self.counters, self._started, self._trouble, self._clock)

    def _snapshot(self) -> FlowBatch | None:
        return self._node.pipeline.snapshot()


def _say_what_is_watched(node: LiveNode) -> None:
    places = [place.name for place in node.witness.places] if node.witness else []
    out.note(f"reading {', '.join(node.watch.logs)}; {f'watching {_listed(places)}' if places else 'without the kernel'}")
    for error in node.witness.troubles.values() if node.witness else []:
        out.note(f"{error}\nIt is tried again every few seconds.")
    for path in node.watch.logs:
        if not Path(path).exists():
            out.note(f"{path} is not there yet: waiting for it")
    if node.blind:
        out.note(f"{node.blind}\nLines are kept without their connections: no client behind a translation is known.")


def _listed(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
