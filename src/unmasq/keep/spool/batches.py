"""A node's spool: batches on disk until a server has them, with the log lines they cover, in one SQLite file.

One transaction holds a batch and its lines, so that a line is covered exactly when its flow is here, was sent, or was
dropped and counted. Over the bound the oldest batches go first; one that was sent but not answered goes last of all, since
the server may have it.
"""

import json
import threading
from collections.abc import Collection, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple, Self

from unmasq.base.clock import Clock
from unmasq.base.telemetry import Counters
from unmasq.keep.lock import Lock
from unmasq.keep.spool import queue
from unmasq.keep.spool.cover import CoveredLines, covered
from unmasq.keep.spool.file import NAME, connected, opened, reading, transaction
from unmasq.keep.spool.queue import Content, Spooled
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.ingress import FileIdentity

LIMIT_BYTES = 1 << 30


class Backlog(NamedTuple):
    """How much waits."""

    batches: int
    bytes: int


class Spool:
    """`put` and `cover` belong to the thread that reads, the rest to the one that sends; either may ask for the backlog.

    All may raise StoreError. Counts what is dropped (`spool_dropped_batches`, `_flows`, `_lines`, `_rejected`,
    `_translations`), beginning with what was dropped before.
    """

    def __init__(self, folder: Path, clock: Clock, counters: Counters, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Raises StoreBusy, StoreTooNew, or StoreError for what is no spool."""
        self._clock, self._counters, self._limit_bytes = clock, counters, limit_bytes
        self._lines = CoveredLines()
        self._reading, self._sending = threading.Lock(), threading.Lock()
        with ExitStack() as stack:
            stack.enter_context(Lock(folder, exclusive=True))
            self._db = stack.enter_context(closing(opened(folder / NAME)))
            # What is forgotten twice does no harm, since the server knows the id: nobody waits for a disk for that.
            self._outbox = stack.enter_context(closing(connected(folder / NAME, "NORMAL")))
            with transaction(self._db) as db:
                self._lines.tidy(db, clock.now_us())
                for reason, lost in queue.dropped(db):
                    self._count(reason, lost)
            self._closing = stack.pop_all()

    def close(self) -> None:
        """Let others have the file."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def put(self, batch: FlowBatch) -> None:
        """Take a batch with its lines: on disk when it returns. If it raises, nothing of it is here."""
        if not (batch.flows or batch.rejected or batch.translations):
            self.cover(batch)
            return
        with self._reading, transaction(self._db) as db:
            queue.put(db, batch)
            self._lines.add(db, batch.files, batch.lines, self._clock.now_us())
            lost = queue.drop(db, "full", queue.surplus(db, self._limit_bytes))
        self._count("full", lost)

    def cover(self, batch: FlowBatch) -> None:
        """Take only the lines of a batch that has nothing for a server."""
        with self._reading, transaction(self._db) as db:
            self._lines.add(db, batch.files, batch.lines, self._clock.now_us())

    def covered(self) -> dict[FileIdentity, list[tuple[int, int]]]:
        """Which bytes of which log files need not be read again."""
        with self._reading, reading(self._db) as db:
            return covered(db)

    def backlog(self) -> Backlog:
        """What waits now."""
        with self._sending, reading(self._outbox) as db:
            return Backlog(*db.execute("SELECT count(*), coalesce(sum(size), 0) FROM batches").fetchone())

    def take(self, passing_over: Collection[int] = ()) -> Spooled | None:
        """The oldest batch that is none of those numbers, for sending: from now on it may be with the server."""
        with self._sending:
            with reading(self._outbox) as db:
                number = queue.oldest(db, passing_over)
            if number is None:  # the usual case, for which nobody who writes is held up
                return None
            with transaction(self._outbox) as db:
                return queue.tried(db, number)

    def here(self, numbers: Collection[int]) -> set[int]:
        """Those of the numbers whose batches still wait."""
        question = "SELECT number FROM batches WHERE number IN (SELECT value FROM json_each(?))"
        with self._sending, reading(self._outbox) as db:
            return {number for (number,) in db.execute(question, (json.dumps(list(numbers)),))}

    def not_taken(self, batch: Spooled) -> None:
        """The server said that it does not have it: it waits like one that was never sent."""
        with self._sending, transaction(self._outbox) as db:
            db.execute("UPDATE batches SET tried = 0 WHERE number = ?", (batch.number,))

    def forget(self, batch: Spooled) -> None:
        """The server has it."""
        with self._sending, transaction(self._outbox) as db:
            queue.forget(db, batch.number)

    def replace(self, batch: Spooled, parts: Sequence[FlowBatch]) -> None:
        """Send these instead, in its place: the server does not have it and never will."""
        with self._sending, transaction(self._outbox) as db:
            queue.split(db, batch.number, parts)

    def drop(self, batch: Spooled, reason: str) -> None:
        """Give a batch up that the server will never take."""
        with self._sending, transaction(self._outbox) as db:
            lost = queue.drop(db, reason, [batch.number])
        self._count(reason, lost)

    def note(self, name: str, value: bytes) -> None:
        """Keep something small under a name, instead of what was there."""
        with self._sending, transaction(self._outbox) as db:
            db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    def noted(self, name: str) -> bytes | None:
        """What was kept under a name last."""
        with self._sending, reading(self._outbox) as db:
            row = db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else None

    def _count(self, reason: str, lost: Content) -> None:
        for name, amount in lost._asdict().items():
            self._counters.add(f"spool_dropped_{name}", amount, reason)
