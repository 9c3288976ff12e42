"""The file of a spool: how it comes to be, and how it is opened or refused."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unmasq.base.errors import StoreError, StoreTooNew

NAME = "spool.sqlite"

FIRST = """
CREATE TABLE batches (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, flows INTEGER NOT NULL,
    lines INTEGER NOT NULL, tried INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL
);
CREATE INDEX sizes ON batches (tried, number, size);
CREATE TABLE dropped (reason TEXT PRIMARY KEY, batches INTEGER NOT NULL, flows INTEGER NOT NULL, lines INTEGER NOT NULL);
CREATE TABLE files (
    file INTEGER PRIMARY KEY, device TEXT NOT NULL, inode TEXT NOT NULL, fingerprint TEXT NOT NULL, seen_us INTEGER NOT NULL,
    UNIQUE (device, inode, fingerprint)
);
CREATE TABLE lines (file INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL);
CREATE TABLE notes (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""
_SECOND = """
ALTER TABLE batches ADD COLUMN place REAL NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN translations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dropped ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dropped ADD COLUMN translations INTEGER NOT NULL DEFAULT 0;
UPDATE batches SET place = number;
DROP INDEX sizes;
CREATE INDEX sizes ON batches (tried, place, size);
CREATE INDEX places ON batches (place);
"""
_STEPS = (FIRST, _SECOND)
"""From nothing to the tables of today; a file of version N has taken the first N."""

VERSION = len(_STEPS)

_NO_SPOOL = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR)
"""What SQLite says of a file that is not its own, that is damaged, or that has tables which are not ours."""


def opened(path: Path) -> sqlite3.Connection:
    """A connection whose commits are on disk when they return. Makes the file. Raises StoreError, StoreTooNew."""
    try:
        path.touch(mode=0o600)  # SQLite gives its own files beside it the same mode
        db = connected(path, "FULL")
        found = _version(db)
        for version, step in enumerate(_STEPS[found:], found + 1):
            db.executescript(f"BEGIN; {step} PRAGMA user_version = {version}; COMMIT;")
    except (sqlite3.Error, OSError) as error:
        raise not_opened(path, error) from None
    if found > VERSION:
        db.close()
        raise StoreTooNew(f"{path} was written by a newer unmasq", f"its tables are of version {found}, not {VERSION}", "upgrade")
    return db


def connected(path: Path, synchronous: str) -> sqlite3.Connection:
    """A connection to a file that is there; NORMAL: a power failure may undo its last commits, a kill never."""
    db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA page_size = 16384")  # most of it are batches of many kilobytes
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA synchronous = {synchronous}")
    return db


def not_opened(path: Path, error: sqlite3.Error | OSError) -> StoreError:
    """What a person is told: only of a file that holds something else, or is damaged, that it is to be moved away."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_SPOOL:
        next_step = "move it away to begin anew; what it held is lost then, and logs are read again"
        return StoreError(f"{path} cannot be read as a spool", str(error), next_step)
    return _no_room(path, "opened or written", error, "what it holds is kept")


def _no_room(path: Path | str, deed: str, error: Exception, meanwhile: str) -> StoreError:
    return StoreError(f"{f'the spool {path}'.rstrip()} cannot be {deed}", str(error), f"its disk may be full: make room; {meanwhile}")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of the block or nothing. Raises StoreError for what SQLite raises."""
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise _no_room(_path(db), "written", error, "nothing more is read meanwhile") from error


@contextmanager
def reading(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A block that only asks, and holds up nobody who writes. Raises StoreError for what SQLite raises."""
    try:
        yield db
    except sqlite3.Error as error:
        raise StoreError("cannot read the spool", str(error), "is its disk well? What cannot be read is not sent") from error


def _path(db: sqlite3.Connection) -> str:
    """Its file, for which the disk is not asked; nothing once it is closed."""
    try:
        return str(db.execute("PRAGMA database_list").fetchone()[2])
    except sqlite3.Error:
        return ""


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
