"""A node's spool: batches on disk until a server has them, with the log lines they cover, in one SQLite file.

One transaction holds a batch and its lines, so that a line is covered exactly when its flow is here, was sent, or was
dropped and counted. Over the bound the oldest batches go first; one that was sent but not answered goes last of all, since
the server may have it.
"""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Self
from uuid import UUID

from unmasq.base.clock import Clock
from unmasq.base.telemetry import Counters
from unmasq.keep.lock import Lock
from unmasq.keep.spoolcover import CoveredLines, covered
from unmasq.keep.spoolfile import NAME, connected, opened, transaction
from unmasq.model import wire
from unmasq.model.flowbatch import FlowBatch, LineColumns
from unmasq.model.ingress import FileIdentity

LIMIT_BYTES = 1 << 30

_INSERT = "INSERT OR IGNORE INTO batches (id, size, flows, lines, body) VALUES (?, ?, ?, ?, ?)"
_DROPPED = """
INSERT INTO dropped VALUES (?, ?, ?, ?) ON CONFLICT (reason) DO UPDATE
SET batches = batches + excluded.batches, flows = flows + excluded.flows, lines = lines + excluded.lines
"""


class Spooled(NamedTuple):
    """A batch that waits, as it goes over the wire."""

    number: int
    id: UUID
    flows: int
    lines: int
    body: bytes


class Backlog(NamedTuple):
    """How much waits."""

    batches: int
    bytes: int


class Spool:
    """`put` and `cover` belong to the thread that reads, the rest to the one that sends; either may ask for the backlog.

    Counts what is dropped (`spool_dropped_batches`, `_flows`, `_lines`), beginning with what was dropped before.
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
            for reason, *counts in self._db.execute("SELECT reason, batches, flows, lines FROM dropped"):
                self._count(reason, *counts)
            self._closing = stack.pop_all()

    def close(self) -> None:
        """Let others have the file."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def put(self, batch: FlowBatch) -> None:
        """Take a batch with its lines: on disk when it returns. Raises StoreError, and then nothing of it is here."""
        if not (batch.flows or batch.rejected or batch.translations):
            self.cover(batch)
            return
        lines = int(batch.flows.requests.sum())
        body = wire.encode(_without_lines(batch))
        row = (str(batch.id), len(body), len(batch.flows), lines, body)
        with self._reading, transaction(self._db) as db:
            db.execute(_INSERT, row)
            self._lines.add(db, batch.files, batch.lines, self._clock.now_us())
            dropped = self._over()
            self._drop(self._db, "full", dropped)
        self._count("full", *_sums(dropped))

    def cover(self, batch: FlowBatch) -> None:
        """Take only the lines of a batch that has nothing for a server."""
        with self._reading, transaction(self._db) as db:
            self._lines.add(db, batch.files, batch.lines, self._clock.now_us())

    def covered(self) -> dict[FileIdentity, list[tuple[int, int]]]:
        """Which bytes of which log files need not be read again."""
        with self._reading:
            return covered(self._db)

    def backlog(self) -> Backlog:
        """What waits now."""
        with self._sending:
            return Backlog(*self._outbox.execute("SELECT count(*), coalesce(sum(size), 0) FROM batches").fetchall()[0])

    def take(self, after: int = 0) -> Spooled | None:
        """The oldest batch behind a number, for sending: from now on it may be with the server."""
        with self._sending:
            (oldest,) = self._outbox.execute("SELECT min(number) FROM batches WHERE number > ?", (after,)).fetchone()
            if oldest is None:  # the usual case, for which nobody who writes is held up
                return None
            with transaction(self._outbox) as db:
                question = "UPDATE batches SET tried = 1 WHERE number = ? RETURNING number, id, flows, lines, body"
                rows = db.execute(question, (oldest,)).fetchall()
        return Spooled(rows[0][0], UUID(rows[0][1]), *rows[0][2:]) if rows else None

    def forget(self, batch: Spooled) -> None:
        """The server has it."""
        with self._sending, transaction(self._outbox) as db:
            db.execute("DELETE FROM batches WHERE number = ?", (batch.number,))

    def replace(self, batch: Spooled, parts: Sequence[FlowBatch]) -> None:
        """Send these instead, in its place: the server does not have it and never will."""
        rows = [(str(part.id), len(body := wire.encode(part)), len(part.flows), int(part.flows.requests.sum()), body) for part in parts]
        with self._sending, transaction(self._outbox) as db:
            db.execute("DELETE FROM batches WHERE number = ?", (batch.number,))
            db.executemany(_INSERT, rows)

    def drop(self, batch: Spooled, reason: str) -> None:
        """Give a batch up that the server will never take."""
        lost = [(batch.number, batch.flows, batch.lines)]
        with self._sending, transaction(self._outbox) as db:
            self._drop(db, reason, lost)
        self._count(reason, *_sums(lost))

    def note(self, name: str, value: bytes) -> None:
        """Keep something small under a name, instead of what was there."""
        with self._sending, transaction(self._outbox) as db:
            db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    def noted(self, name: str) -> bytes | None:
        """What was kept under a name last."""
        with self._sending:
            rows = self._outbox.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchall()
        return bytes(rows[0][0]) if rows else None

    def _over(self) -> list[tuple[int, int, int]]:
        """What must go to come below the bound: (number, flows, lines)."""
        (size,) = self._db.execute("SELECT coalesce(sum(size), 0) FROM batches").fetchone()
        going: list[tuple[int, int, int]] = []
        rows = self._db.execute("SELECT number, size FROM batches ORDER BY tried, number") if size > self._limit_bytes else ()
        for number, each in rows:
            if size <= self._limit_bytes:
                break
            size -= each
            going += self._db.execute("SELECT number, flows, lines FROM batches WHERE number = ?", (number,)).fetchall()
        return going

    def _drop(self, db: sqlite3.Connection, reason: str, going: Sequence[tuple[int, int, int]]) -> None:
        db.executemany("DELETE FROM batches WHERE number = ?", [(number,) for number, _, _ in going])
        if going:
            db.execute(_DROPPED, (reason, *_sums(going)))

    def _count(self, reason: str, batches: int, flows: int, lines: int) -> None:
        self._counters.add("spool_dropped_batches", batches, reason)
        self._counters.add("spool_dropped_flows", flows, reason)
        self._counters.add("spool_dropped_lines", lines, reason)


def _without_lines(batch: FlowBatch) -> FlowBatch:
    """What a server wants of a batch: which lines of which files it covers is of use only here."""
    return replace(batch, files=[], lines=LineColumns.empty())


def _sums(going: Sequence[tuple[int, int, int]]) -> tuple[int, int, int]:
    return len(going), sum(flows for _, flows, _ in going), sum(lines for _, _, lines in going)
