"""Batches from nodes into the store: many together in one transaction, and each answered when it is on disk."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple, Self
from uuid import UUID, uuid5

from unmasq.base.clock import DAY_US, MICROSECONDS, Clock
from unmasq.base.errors import BatchRefused, StoreBusy, StoreError
from unmasq.base.telemetry import Counters
from unmasq.keep.live import LiveStore, Taken
from unmasq.keep.remote.flows import LOOK_US, Amendment, RemoteFlows
from unmasq.model import wire
from unmasq.model.flaws import newest_us
from unmasq.model.flowbatch import FlowBatch, LineColumns

MOST_WAITING = 1_000_000
"""Rows that may wait to be written; more are refused for a while: they are safe in the nodes' spools."""

AHEAD_US = DAY_US
"""How far ahead of ours a node's clock may be: what is of a later time would be the newest of all, wherever one looks."""

_DECODING = 2  # at once: each may take as much memory as `wire.MOST_BYTES`
_SHARE = 4  # after a commit that took a second of a core, others may gather for four: commits cost at most a fifth of a core
_LONGEST_PAUSE_SECONDS = 1.0
_NICE = 5  # whoever asks a question waits for it; a batch waits in its node's spool


class _Asked(NamedTuple):
    """A batch whose sender waits to hear that it is on disk."""

    id: UUID
    taken: Taken
    written: "Future[UUID]"

    def answer(self, unwritten: Mapping[int, StoreError]) -> None:
        """Say so, or why it is not."""
        errors = [unwritten[day] for day in self.taken.days if day in unwritten]
        if self.taken.is_left_out and not errors:
            errors.append(StoreBusy("a part of the batch was not taken", "its day could not be written", "send it again later"))
        if errors:
            self.written.set_exception(errors[0])
        else:
            self.written.set_result(self.id)


class Ingest:
    """Takes batches while it is entered; `take` may be called by any thread.

    Counts `ingest_batches`, `ingest_flows`, `ingest_lines` (requests of flows), `ingest_rejected` (lines, by the node),
    `ingest_again` (batches that were here), `ingest_refused` by reason (`day`: a part of it, since its day cannot be written;
    `future`: a clock is wrong), `store_failed` (tries to write a day), and `ingest_failed` (what should never happen). `tell` gets a
    sentence when something begins to go wrong, and when it is well again.
    """

    def __init__(
        self, live: LiveStore, remote: RemoteFlows, clock: Clock, counters: Counters, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        """`live` remembers the ids of batches."""
        self._live, self._remote, self._clock, self._counters, self._tell = live, remote, clock, counters, tell
        self.trouble: str | None = None
        """What should never happen and did when something was last to be written. A day that cannot be written is none of it."""
        self._said: frozenset[int] = frozenset()  # the days of which was told that they cannot be written
        self._decoding = threading.Semaphore(_DECODING)
        self._changed = threading.Condition()
        self._asked: list[_Asked] = []
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="unmasq-ingest", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write what waits, and answer."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join()

    def take(self, body: bytes) -> "Future[UUID]":
        """Take a batch as it came; its id when it is on disk, or a StoreError.

        Raises BatchRefused for what is no batch, StoreBusy while too much waits to be written.
        """
        with self._decoding:
            if self._live.waiting_rows() > MOST_WAITING:
                self._counters.add("ingest_refused", reason="busy")
                raise StoreBusy("the server cannot write as fast as flows come", "too many wait to be written", "send it again later")
            try:
                batch = wire.decode(body)
            except BatchRefused:
                self._counters.add("ingest_refused", reason="invalid")
                raise
            self._demand_present(batch)
            return self._append(batch, uuid5(batch.id, sha256(body).hexdigest()))

    def _demand_present(self, batch: FlowBatch) -> None:
        """Raises BatchRefused for what is of the future; its node tries it again, and it is taken when its time has come."""
        ahead_us = newest_us(batch) - self._clock.now_us()
        if ahead_us > AHEAD_US:
            self._counters.add("ingest_refused", reason="future")
            why = f"its newest flow is {ahead_us / DAY_US:,.1f} days ahead of the server's clock"
            raise BatchRefused("a batch is of the future", why, "set the clock of the node, or of the server")

    def _append(self, batch: FlowBatch, known_as: UUID) -> "Future[UUID]":
        """`known_as` is of the id and of what is in it: a batch of other content under an id that was here is another batch."""
        # A node knows itself which lines of its own files it has read: here they would only be in the way.
        with self._changed:
            done = self._remote.complete(replace(batch, id=known_as, files=[], lines=LineColumns.empty()))
            taken = self._live.take(done.batch)
            is_bare = not (batch.flows or batch.rejected)
            if taken.parts or is_bare:
                self._remote.note(done)
            self._count(taken, is_bare=is_bare)
            written: Future[UUID] = Future()
            written.set_running_or_notify_cancel()  # whoever asked may go away, and the batch is written all the same
            self._asked.append(_Asked(batch.id, taken, written))
            self._changed.notify()
            return written

    def _count(self, taken: Taken, *, is_bare: bool) -> None:
        is_new = is_bare or bool(taken.parts)
        self._counters.add("ingest_refused", int(taken.is_left_out), "day")
        self._counters.add("ingest_again", int(not (is_new or taken.is_left_out)))
        self._counters.add("ingest_batches", int(is_new))
        self._counters.add("ingest_flows", sum(len(part.flows) for part in taken.parts))
        self._counters.add("ingest_lines", sum(int(part.flows.requests.sum()) for part in taken.parts))
        self._counters.add("ingest_rejected", sum(each.count for part in taken.parts for each in part.rejected))

    def _run(self) -> None:
        with suppress(OSError):  # a sandbox may forbid it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + _NICE)  # of this thread alone
        pause_seconds = 0.0
        while self._wait(pause_seconds):
            began = time.thread_time()
            with self._changed:
                asked, self._asked = self._asked, []
                due = self._remote.due()  # before what was completed without these records is written
            try:
                self._work(asked, due)
            except Exception as error:  # noqa: BLE001  # a mistake of ours: who asked must hear of it, and the next one be served
                self._fail(asked, due, error)
            pause_seconds = min(_SHARE * (time.thread_time() - began), _LONGEST_PAUSE_SECONDS)

    def _wait(self, pause_seconds: float) -> bool:
        """Until somebody asks, and a pause is over, or until something may be due; False when the end has come and nobody waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending, pause_seconds)
            self._changed.wait_for(lambda: self._ending or self._asked, LOOK_US / MICROSECONDS)
            return bool(self._asked) or not self._ending

    def _work(self, asked: list[_Asked], due: Amendment | None) -> None:
        if asked or due or self.trouble or self._live.troubles:
            self._write(asked)
        if due:
            self._amend(due)
        self._well()

    def _write(self, asked: list[_Asked]) -> None:
        """Write what waits, and answer."""
        self._counters.add("store_failed", len(self._live.flush_rested()))
        unwritten = self._live.troubles
        for day in unwritten.keys() - self._said:
            self._tell(f"{unwritten[day]}\nIts flows wait, and are refused beyond a bound; those of other days are written.")
        if self._said and not unwritten:
            self._tell("all days can be written again")
        self._said = frozenset(unwritten)
        for each in asked:
            each.answer(unwritten)

    def _amend(self, due: Amendment) -> None:
        """Complete stored flows; what cannot be done now is due again."""
        unwritten = self._live.troubles.keys() & due.days
        try:
            self._remote.amend(due._replace(days=due.days - unwritten))
        except StoreError:
            self._counters.add("store_failed")
            unwritten = set(due.days)
        if unwritten:
            self._renew(due)

    def _renew(self, due: Amendment) -> None:
        with self._changed:
            self._remote.renew(due)

    def _fail(self, asked: list[_Asked], due: Amendment | None, error: Exception) -> None:
        """Answer those who are not answered yet, and have a person look at it."""
        why = f"{type(error).__name__}: {error}"
        failure = StoreError("unmasq serve failed at writing flows", why, "this is a mistake in unmasq: report it, please")
        self._counters.add("ingest_failed")
        if self.trouble is None:
            self._tell(str(failure))
        self.trouble = why
        for each in asked:
            if not each.written.done():
                each.written.set_exception(failure)
        if due:
            self._renew(due)

    def _well(self) -> None:
        if self.trouble is not None:
            self._tell("flows are written again")
        self.trouble = None
