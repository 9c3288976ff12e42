"""What is searchable before it is on disk: closed flows that wait to be written in bulk, and flows that are still open."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from uuid import UUID

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import StoreError
from unmasq.keep.answers import Answers
from unmasq.keep.duck import DuckStore
from unmasq.keep.memory import Memory
from unmasq.keep.protocol import Covered
from unmasq.keep.sources import Source, View
from unmasq.keep.split import by_day, together
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import FlowBatch

Snapshot = Callable[[], FlowBatch | None]

FRESH_US = MICROSECONDS // 4
"""How old the picture of open flows may be that a question gets."""


class LiveStore(Answers):
    """Gathers what is appended; its owner calls `flush_due` again and again, which writes when it is time.

    `snapshot` gives the flows that are still open, as a batch. Whoever moves flows from there to `append` holds `moment`
    meanwhile, so that no question sees them twice or not at all; nobody holds it who calls `flush`. Appended flows are
    acknowledged (`covered`) once they are written. With `resent`, batches may come again, even long after: the id of every one
    is written, and one that is here already is not taken; without it, batches that are written together count as one.
    """

    def __init__(
        self,
        store: DuckStore,
        clock: Clock,
        snapshot: Snapshot = lambda: None,
        *,
        rows: int = 50_000,
        wait_us: int = 30 * MICROSECONDS,
        resent: bool = False,
        written: Callable[[FlowBatch], None] = lambda _: None,
    ) -> None:
        """`written` is told of each part that is on disk."""
        self.store, self.control, self.moment = store, store.control, store.moment
        self._clock, self._snapshot = clock, snapshot
        self._rows, self._wait_us, self._resent, self._written = rows, wait_us, resent, written
        self._writing = threading.Lock()
        self._waiting: dict[int, dict[UUID, FlowBatch]] = {}
        self._since_us: int | None = None
        self._changes = 0
        self._open: tuple[int, int, FlowBatch | None] = (-1, 0, None)
        self._closed_flows, self._open_flows = Memory(store.connection, "waiting"), Memory(store.connection, "open")

    def append(self, batch: FlowBatch) -> None:
        """Take a batch, which is searchable from now on; it is written later."""
        self.take(batch)

    def take(self, batch: FlowBatch) -> bool:
        """As `append`; returns whether any of it was new."""
        with self.moment:
            new = [(day, part) for day, part in by_day(batch) if not self._has(day, batch.id)]
            for day, part in new:
                self._waiting.setdefault(day, {})[batch.id] = part
            if new:
                self._since_us = self._clock.now_us() if self._since_us is None else self._since_us
                self._changes += 1
            return bool(new)

    def _has(self, day: int, batch: UUID) -> bool:
        return batch in self._waiting.get(day, ()) or (self._resent and self.store.holds(day, batch))

    def flush_due(self, now_us: int) -> bool:
        """Write if enough waits, or if something waited long enough. Returns whether it did."""
        with self.moment:
            due = self.waiting_rows() >= self._rows or (self._since_us is not None and now_us - self._since_us >= self._wait_us)
        if due:
            self.flush()
        return due

    def flush(self) -> None:
        """Write all that waits now, one transaction a day. Raises StoreError; what is not written then goes on waiting."""
        with self._writing:
            with self.moment:
                days = {day: dict(parts) for day, parts in self._waiting.items()}
                self._since_us = None
            try:
                for day, parts in sorted(days.items()):
                    self._write(day, parts)
            except StoreError:
                self._since_us = self._clock.now_us()  # to be tried again, but not at once
                raise

    def _write(self, day: int, parts: Mapping[UUID, FlowBatch]) -> None:
        def published() -> None:
            left = {each: part for each, part in self._waiting.pop(day).items() if each not in parts}
            self._waiting |= {day: left} if left else {}
            self._changes += 1

        batches = list(parts.values())
        self.store.append_day(day, batches if self._resent else together(batches), published)
        for batch in batches:
            self._written(batch)

    def waiting_rows(self) -> int:
        """Flows and chains that are not written yet."""
        with self.moment:
            return sum(len(part.flows) + len(part.chains) for part in self._parts())

    def _parts(self) -> list[FlowBatch]:
        return [part for parts in self._waiting.values() for part in parts.values()]

    @contextmanager
    def view(self, wanted: FlowFilter) -> Iterator[View]:
        with ExitStack() as stack:
            with self.moment:
                changes, waiting = self._changes, self._parts()
                taken_us, still_open = self._now_open()
                rest = stack.enter_context(self.store.view(wanted))
            live = []
            if still_open is not None:
                name = stack.enter_context(self._open_flows.holding((changes, taken_us), [still_open]))
                live.append(Source(name, provisional=True))
            if waiting:
                live.append(Source(stack.enter_context(self._closed_flows.holding(changes, together(waiting)))))
            yield replace(rest, sources=[*live, *rest.sources])

    def _now_open(self) -> tuple[int, FlowBatch | None]:
        """When the open flows were looked at, and what they are."""
        changes, taken_us, batch = self._open
        now_us = self._clock.now_us()
        if changes != self._changes or not taken_us <= now_us < taken_us + FRESH_US:
            taken_us, batch = now_us, self._snapshot()
            self._open = (self._changes, taken_us, batch)
        return taken_us, batch if batch is not None and len(batch) else None

    def covered(self) -> list[Covered]:
        return self.store.covered()

    def close(self) -> None:
        """Write what waits and close the store."""
        self.flush()
        self.store.close()
