"""Reports that were answered and are not committed yet, on disk: whoever sent one does not send it again.

An SQLite file of its own beside a spool or a store. A report leaves it when its lines are covered there. The ids that senders
gave are remembered for an hour, so that a report whose answer was lost is known when it comes again.
"""

import sqlite3
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import StoreError
from unmasq.keep.spool.file import connected, not_opened, transaction
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.model.runs import Run, Runs

NAME = "reports.sqlite"
LIMIT_BYTES = 256 << 20
"""Of lines that wait to be covered; they take a fraction of it on the disk."""
_KNOWN_US = 3600 * MICROSECONDS

_TABLES = """
CREATE TABLE IF NOT EXISTS reports (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, at_us INTEGER NOT NULL,
    file TEXT NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL, lines BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS places ON reports (file, start, size);
"""
_WAITS = "size > 0"  # else only its id is remembered


class KeptReports:
    """In a folder that is locked by its owner already; for any number of threads. Raises StoreError."""

    def __init__(self, folder: Path, clock: Clock, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._clock, self._limit_bytes, self._lock = clock, limit_bytes, threading.Lock()
        path = folder / NAME
        try:
            path.touch(mode=0o600)
            self._db = connected(path, "FULL")
            self._db.executescript(_TABLES)
        except (sqlite3.Error, OSError) as error:
            raise not_opened(path, error) from None
        (self._bytes,) = self._db.execute("SELECT coalesce(sum(size), 0) FROM reports").fetchone()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let others have the file."""
        with self._lock, closing(self._db):
            pass

    def keep(self, chunk: Chunk, report: str = "") -> bool:
        """Take the lines of a report: on disk when it returns. False if the id `report` came before. Raises StoreError."""
        row = (report or None, self._clock.now_us(), chunk.file.fingerprint, chunk.start, len(chunk.data), zlib.compress(chunk.data, 1))
        with self._lock:
            if self._bytes + len(chunk.data) > self._limit_bytes:
                raise StoreError("too many reports wait to be kept", f"{self._bytes >> 20} MiB of them", "can flows be written?")
            with transaction(self._db) as db:
                question = "INSERT OR IGNORE INTO reports (id, at_us, file, start, size, lines) VALUES (?, ?, ?, ?, ?, ?)"
                is_new = db.execute(question, row).rowcount > 0
            self._bytes += len(chunk.data) if is_new else 0
        return is_new

    def forget(self, file: FileIdentity, runs: Sequence[Run]) -> None:
        """These runs of lines are covered elsewhere. Raises StoreError."""
        places = [(file.fingerprint, start, end) for start, end in Runs(runs)]
        with self._lock, transaction(self._db) as db:
            db.executemany("UPDATE reports SET size = 0, lines = '' WHERE file = ? AND start >= ? AND start + size <= ?", places)
            db.execute("DELETE FROM reports WHERE size = 0 AND (id IS NULL OR at_us < ?)", (self._clock.now_us() - _KNOWN_US,))
            (self._bytes,) = db.execute(f"SELECT coalesce(sum(size), 0) FROM reports WHERE {_WAITS}").fetchone()

    def left(self, covered: Mapping[FileIdentity, Sequence[Run]]) -> Iterator[Chunk]:
        """What an earlier process took and did not commit, the oldest first; one report at a time is read. Raises StoreError."""
        for (fingerprint,) in self._asked(f"SELECT DISTINCT file FROM reports WHERE {_WAITS}"):
            file = FileIdentity(0, 0, fingerprint)
            self.forget(file, covered.get(file, ()))
        rows = self._asked(f"SELECT number, file, start FROM reports WHERE {_WAITS} ORDER BY number")
        files = ((number, FileIdentity(0, 0, fingerprint), start) for number, fingerprint, start in rows)
        return (chunk for number, file, start in files for chunk in self._pieces(number, file, start, covered.get(file, ())))

    def _asked(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, transaction(self._db) as db:
            return db.execute(question, values).fetchall()

    def _pieces(self, number: int, file: FileIdentity, start: int, covered: Sequence[Run]) -> Iterator[Chunk]:
        """The lines of a report that are not covered, which are all but where an earlier process died in between."""
        [(packed,)] = self._asked("SELECT lines FROM reports WHERE number = ?", number)
        lines, at = zlib.decompress(packed), start
        for first, behind in [*Runs(covered), (start + len(lines), start + len(lines))]:
            if at < min(first, start + len(lines)):
                yield Chunk(file, "reports", at, lines[at - start : first - start], live=True)
            at = max(at, behind)
