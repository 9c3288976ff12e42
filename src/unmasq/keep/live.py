"""What is searchable before it is on disk: closed flows that wait to be written in bulk, and flows that are still open."""

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import StoreError
from unmasq.base.threads import Precedence
from unmasq.keep.ask.answers import Answers
from unmasq.keep.ask.sources import View
from unmasq.keep.day.file import file_of
from unmasq.keep.day.split import by_day, together
from unmasq.keep.duck import DuckStore
from unmasq.keep.pictures import Pictures, Snapshot
from unmasq.keep.resting import Resting
from unmasq.keep.shapes import Covered
from unmasq.keep.waiting import Part, Parts, Waiting, portions
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import FlowBatch

MANY_ROWS = 120_000
"""Flows and chains that are written without waiting for more: the more at once, the less of all is spent on each."""

PATIENCE_SECONDS = 2.0
"""How long a question waits for so many to be written, instead of seeing them in tables of its own: that costs as much again."""

MOST_STUCK = 200_000
"""Rows that wait for days which cannot be written, from which on no more of these days are taken."""


class Taken(NamedTuple):
    """What became of a batch."""

    parts: list[FlowBatch]
    """Those that were new."""
    days: frozenset[int]
    """Of which something is not written yet."""
    is_left_out: bool
    """Whether a part was not taken, since too much waits for days that cannot be written."""


class LiveStore(Answers):
    """Gathers what is appended; its owner calls `flush_due` again and again, which writes when it is time.

    `snapshot` gives the flows that are still open. Whoever moves flows from there to `append` holds `moment`
    meanwhile, so that no question sees them twice or not at all; nobody holds it who calls `flush`. Appended flows are
    acknowledged (`covered`) once they are written. With `resent`, batches may come again, even long after: the id of every one
    is written, and one that is here already is not taken; without it, batches that are written together count as one.

    What waits is searchable. With `resent` its owner writes it in a moment: it is searchable once it is written, which spares
    every question a picture of it, or while its day cannot be written.

    Each day is written by itself: one that cannot be written keeps nothing back but what belongs to it.
    """

    def __init__(
        self,
        store: DuckStore,
        clock: Clock,
        snapshot: Snapshot = lambda _known: (),
        *,
        rows: int = MANY_ROWS,
        wait_us: int = 30 * MICROSECONDS,
        resent: bool = False,
        written: Callable[[FlowBatch], None] = lambda _: None,
    ) -> None:
        """`written` is told of each part that is on disk."""
        self.store, self.control, self.moment, self.remembered = store, store.control, store.moment, store.remembered
        self._clock, self.precedence = clock, Precedence()
        self._rows, self._wait_us, self._resent, self._written = rows, wait_us, resent, written
        self._writing, self._resting = threading.Lock(), Resting()
        self._published = threading.Condition(self.moment)
        self._waiting = Waiting()
        self._since_us: int | None = None
        self._changes = 0
        self._pictures = Pictures(store.connection, clock, snapshot, lambda name: self.remembered.pop(name, None))

    def append(self, batch: FlowBatch) -> None:
        """Take a batch, which is written later."""
        self.take(batch)

    def take(self, batch: FlowBatch) -> Taken:
        """As `append`, but for days that cannot be written no more than a bounded number of rows; returns what became of it."""
        with self.moment:
            parts = {day: part for day, part in by_day(batch) if self._waiting.has(day, batch.id) or not self._is_written(day, batch.id)}
            new = {day: part for day, part in parts.items() if not self._waiting.has(day, batch.id)}
            taken = {day: part for day, part in new.items() if self._has_room(day)}
            for day, part in taken.items():
                self._waiting.put(day, part)
            if taken:
                self._since_us = self._clock.now_us() if self._since_us is None else self._since_us
                self._changes += 1
            return Taken(list(taken.values()), frozenset(parts), len(taken) < len(new))

    def _is_written(self, day: int, batch: UUID) -> bool:
        try:
            return self._resent and self.store.holds(day, batch)
        except StoreError as error:
            self._resting.failed(day, error, self._clock.now_us())
            return False

    def _has_room(self, day: int) -> bool:
        stuck = self.troubles
        return day not in stuck or self._waiting.weight(stuck.keys()) < MOST_STUCK

    @property
    def troubles(self) -> Mapping[int, StoreError]:
        """The days that cannot be written, each with why."""
        return self._resting.errors

    def flush_due(self, now_us: int) -> bool:
        """Write if enough waits, or if something waited long enough. Returns whether it did."""
        with self.moment:
            due = self.waiting_rows() >= self._rows or (self._since_us is not None and now_us - self._since_us >= self._wait_us)
        if due:
            self.flush()
        return due

    def flush(self) -> None:
        """Write all that waits now, one transaction a day.

        Raises StoreError once every day was tried; what is not written then goes on waiting.
        """
        for error in self._flush(lambda _day: True):
            raise error

    def flush_rested(self) -> list[StoreError]:
        """As `flush`, but days that failed lately are left alone for a while; what went wrong now. See `troubles`."""
        now_us = self._clock.now_us()
        return self._flush(lambda day: self._resting.is_over(day, now_us))

    def _flush(self, is_wanted: Callable[[int], bool]) -> list[StoreError]:
        with self._writing:
            with self.moment:
                days = self._waiting.of(is_wanted)
                self._since_us = None
            found = [self._tried(day, parts) for day, parts in days.items()]
            if self.troubles:
                self._since_us = self._clock.now_us()  # to be tried again, but not at once
            return [error for error in found if error]

    def _tried(self, day: int, parts: Parts) -> StoreError | None:
        try:
            for some in portions(parts, self._rows):
                self._write(day, some)
        except StoreError as error:
            with self.moment:
                self._resting.failed(day, error, self._clock.now_us())
                self._changes += 1
                self._published.notify_all()
            return error
        with self.moment:
            self._resting.written(day)
        return None

    def _write(self, day: int, parts: Parts) -> None:
        def published() -> None:
            self._waiting.remove(day, parts)
            self._changes += 1
            self._published.notify_all()

        batches = [part.batch for part in parts.values()]
        self.store.append_day(day, batches if self._resent else together(batches), published)
        for batch in batches:
            self._written(batch)

    def waiting_rows(self) -> int:
        """Flows and chains that are not written yet."""
        with self.moment:
            return self._waiting.weight()

    @contextmanager
    def view(self, wanted: FlowFilter) -> Iterator[View]:
        with self.moment:
            self._published.wait_for(lambda: not self._is_about_to_be_written(), PATIENCE_SECONDS)
        with self.precedence.taken(), ExitStack() as stack:
            with self.moment:
                pictured = self._pictures.now(stack, self._changes, self._shown(), self._clock.now_us())
                rest = stack.enter_context(self.store.view(wanted))
            yield replace(rest, sources=[*self._pictures.sources(stack, pictured, self.moment), *rest.sources])

    def picture_due(self, now_us: int) -> None:
        """Renew the picture of what is not on disk, if somebody asked a moment ago: whoever asks next need not wait for it."""
        with ExitStack() as stack:
            with self.moment:
                if self._is_about_to_be_written() or not self._pictures.are_due(self._changes, now_us):
                    return
                pictured = self._pictures.now(stack, self._changes, self._shown(), now_us, is_new=True)
            self._pictures.sources(stack, pictured, self.moment)

    def _is_about_to_be_written(self) -> bool:
        """Whether so much can be seen that waits that its owner writes it now."""
        return not (self._resent or self.troubles) and self.waiting_rows() >= self._rows

    def _shown(self) -> dict[Hashable, Part]:
        """What waits and can be seen."""
        stuck = self.troubles
        return self._waiting.parts(lambda day: not self._resent or day in stuck)

    @property
    def unwritten(self) -> Mapping[str, str]:
        return {file_of(day): error.why or error.what for day, error in self.troubles.items()}

    @property
    def unreadable(self) -> Mapping[str, str]:
        return self.store.unreadable

    def covered(self) -> list[Covered]:
        return self.store.covered()

    def close(self) -> None:
        """Write what waits and close the store."""
        self.flush()
        self.store.close()
