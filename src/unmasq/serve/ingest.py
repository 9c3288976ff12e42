"""Batches from nodes into the store: many together in one transaction, and each answered when it is on disk."""

import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from typing import Self
from uuid import UUID

from unmasq.base.clock import MICROSECONDS
from unmasq.base.errors import BatchRefused, StoreBusy, StoreError
from unmasq.base.telemetry import Counters
from unmasq.keep.live import LiveStore
from unmasq.keep.remote import LOOK_US, Amendment, RemoteFlows
from unmasq.model import wire
from unmasq.model.flowbatch import FlowBatch, LineColumns

MOST_WAITING = 1_000_000
"""Rows that may wait to be written; more are refused for a while: they are safe in the nodes' spools."""

_DECODING = 2  # at once: each may take as much memory as `wire.MOST_BYTES`
_SHARE = 4  # after a commit that took a second, others may gather for four: commits cost at most a fifth of a core
_LONGEST_PAUSE_SECONDS = 1.0


class Ingest:
    """Takes batches while it is entered; `take` may be called by any thread.

    Counts `ingest_batches`, `ingest_flows`, `ingest_lines` (requests of flows), `ingest_rejected` (lines, by the node),
    `ingest_again` (batches that were here), `ingest_refused` by reason, and `store_failed`.
    """

    def __init__(self, live: LiveStore, remote: RemoteFlows, counters: Counters) -> None:
        """`live` remembers the ids of batches."""
        self._live, self._remote, self._counters = live, remote, counters
        self._decoding = threading.Semaphore(_DECODING)
        self._changed = threading.Condition()
        self._asked: list[tuple[UUID, Future[UUID]]] = []
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
            return self._append(batch)

    def _append(self, batch: FlowBatch) -> "Future[UUID]":
        # A node knows itself which lines of its own files it has read: here they would only be in the way.
        with self._changed:
            done = self._remote.complete(replace(batch, files=[], lines=LineColumns.empty()))
            is_new = self._live.take(done.batch) or not (batch.flows or batch.rejected)
            if is_new:
                self._remote.note(done)
            self._count(batch, is_new=is_new)
            written: Future[UUID] = Future()
            written.set_running_or_notify_cancel()  # whoever asked may go away, and the batch is written all the same
            self._asked.append((batch.id, written))
            self._changed.notify()
            return written

    def _count(self, batch: FlowBatch, *, is_new: bool) -> None:
        if not is_new:
            self._counters.add("ingest_again")
            return
        self._counters.add("ingest_batches")
        self._counters.add("ingest_flows", len(batch.flows))
        self._counters.add("ingest_lines", int(batch.flows.requests.sum()))
        self._counters.add("ingest_rejected", sum(each.count for each in batch.rejected))

    def _run(self) -> None:
        pause_seconds = 0.0
        while self._wait(pause_seconds):
            with self._changed:
                asked, self._asked = self._asked, []
                due = self._remote.due()  # before what was completed without these records is written
            began = time.monotonic()
            is_written = self._write(asked) if asked or due else True
            if due:
                self._amend(due, is_written=is_written)
            pause_seconds = min(_SHARE * (time.monotonic() - began), _LONGEST_PAUSE_SECONDS)

    def _wait(self, pause_seconds: float) -> bool:
        """Until somebody asks, and a pause is over, or until something may be due; False when the end has come and nobody waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending, pause_seconds)
            self._changed.wait_for(lambda: self._ending or self._asked, LOOK_US / MICROSECONDS)
            return bool(self._asked) or not self._ending

    def _amend(self, due: Amendment, *, is_written: bool) -> None:
        """Complete stored flows; what cannot be done now is due again."""
        try:
            if is_written:
                self._remote.amend(due)
                return
        except StoreError:
            self._counters.add("store_failed")
        with self._changed:
            self._remote.renew(due)

    def _write(self, asked: "list[tuple[UUID, Future[UUID]]]") -> bool:
        """Write what waits, and answer; whether it is on disk."""
        try:
            self._live.flush()
        except StoreError as error:
            self._counters.add("store_failed")
            for _, done in asked:
                done.set_exception(error)
            return False
        for batch, done in asked:
            done.set_result(batch)
        return True
