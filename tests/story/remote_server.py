"""What a server does with flows and records, in its order, on a clock that moves when it is told to."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self

from msgspec import structs

from tests.story.traffic import NODE, SECOND
from unmasq.base.clock import ManualClock
from unmasq.base.telemetry import Counters
from unmasq.join.records import Records
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.keep.remote.flows import LOOK_US, MOST_WAITING, RemoteFlows
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter
from unmasq.model.flow import Flow
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.translation import Translations
from unmasq.node.begun import begun_batch
from unmasq.unwind.trust import entry


def telling(records: Translations) -> FlowBatch:
    """A batch that consists of nothing else."""
    return replace(begun_batch("node-2", {}, 0), translations=records)


class RemoteServer:
    """A store of its own in a folder of its own, from `with` to its end."""

    def __init__(
        self, now_us: int, trust: Sequence[str] = (), node_ranges: Sequence[str] = (NODE,), most_waiting: int = MOST_WAITING
    ) -> None:
        self._most_waiting = most_waiting
        self.clock, self.counters = ManualClock(now_us), Counters()
        self._trust, self._ranges = trust, [parse_range(text) for text in node_ranges]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self.store = stack.enter_context(DuckStore(folder))
            if self._trust:
                self.store.control.trust_add([entry("lb", text) for text in self._trust], self.clock.now_us())
            self._closing = stack.pop_all()
        self.restart()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def restart(self) -> None:
        """What is in memory only is gone."""
        self.records = Records(self.counters)
        self.live = LiveStore(self.store, self.clock, resent=True)
        self._remote = RemoteFlows(self.store, self.records, lambda: self._ranges, self.clock, self.counters, self._most_waiting)

    def take(self, *batches: FlowBatch) -> None:
        """Batches that come now, and are on disk when this returns."""
        for batch in batches:
            done = self._remote.complete(batch)
            if self.live.take(done.batch).parts:
                self._remote.note(done)
        self.live.flush()

    def after(self, seconds: float) -> None:
        """Let time pass, then amend what is due."""
        self.clock.move_to(self.clock.now_us() + int(seconds * SECOND))
        if due := self._remote.due():
            self._remote.amend(due)

    def settle(self) -> None:
        """Let all that is known be used."""
        for _ in range(4):
            self.after(2 * LOOK_US / SECOND)

    def counts(self) -> dict[str, int]:
        return {reason: count for name, reason, count in self.counters.rows() if name == "remote_flows"}

    def documents(self) -> list[Flow]:
        """All flows in any order, but for their ids; `remote-nat` is called `nat`."""
        flows = self.store.flows(FlowFilter(), 1000).flows
        return sorted(
            (structs.replace(flow, unmasq=structs.replace(flow.unmasq, id="", join=_plain(flow.unmasq.join))) for flow in flows), key=repr
        )

    def index(self) -> list[tuple[object, ...]]:
        """The address index, each row with the tuple and start of its flow."""
        question = (
            "SELECT a.hi, a.lo, a.roles, f.source_port, f.interval_start_us, f.opened_us, a.requests, a.first_us, a.last_us, "
            "a.chain < 0 FROM day.addresses a JOIN day.flows f ON f.flow = a.flow"
        )
        with self.store.view(FlowFilter()) as view:
            return sorted(view.ask(view.union(question))) if view.sources else []


def _plain(join: str) -> str:
    return "nat" if join == "remote-nat" else join
