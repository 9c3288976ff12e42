"""Control state of the embedded store: every version of the trust list, what must outlive the days, and the nodes of a server."""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from unmasq.base.errors import StoreError, StoreTooNew, UsageError
from unmasq.model.ingress import FileIdentity
from unmasq.unwind.trust import TrustEntry, TrustList, entry

NAME = "control.sqlite"
VERSION = 2

_NODE_ADDRESSES = "CREATE TABLE node_addresses (node TEXT NOT NULL, address TEXT NOT NULL, heard_us INTEGER NOT NULL);"
_TABLES = f"""
CREATE TABLE trust_versions (version INTEGER PRIMARY KEY, made_us INTEGER NOT NULL, change TEXT NOT NULL);
CREATE TABLE trust_entries (version INTEGER NOT NULL, name TEXT NOT NULL, range TEXT NOT NULL, header TEXT NOT NULL);
CREATE TABLE retired_lines (device TEXT, inode TEXT, fingerprint TEXT, start INTEGER, stop INTEGER);
{_NODE_ADDRESSES}
"""


@dataclass(frozen=True)
class TrustChange:
    """One version of the trust list: when it was made (microseconds UTC) and in what it differs from the one before."""

    version: int
    made_us: int
    change: str


class NodeAddress(NamedTuple):
    """An address of a node, and when the node was heard last (microseconds UTC)."""

    node: str
    address: str
    heard_us: int


class Control:
    """Small state in SQLite. Every change is one transaction; any thread may call."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        """Raises StoreError for a file that is damaged or no such state, StoreTooNew for one of a newer program."""
        self._lock = threading.RLock()
        self._lists: dict[int, TrustList] = {}
        path = folder / NAME
        try:
            self._db = _opened(path, read_only=read_only)
            found = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        except sqlite3.Error as error:
            raise StoreError(f"{path} cannot be read as control state", str(error), "restore it from a backup") from None
        if not found:  # its first owner was killed before it made any
            raise StoreError(
                f"there is no store in {folder} yet", "it was begun, but nothing was ever written", "unmasq run --store DIR fills it"
            )
        if found > VERSION:
            raise StoreTooNew(f"{path} was written by a newer unmasq", f"its tables are of version {found}, not {VERSION}", "upgrade")

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    @property
    def trust_version(self) -> int:
        """The version by which new flows are judged; 0 is the empty list that every store begins with."""
        return int(self._rows("SELECT coalesce(max(version), 0) FROM trust_versions")[0][0])

    def trust_list(self, version: int | None = None) -> TrustList:
        """A version of the list, the current one if none is named. A version that was never made here is empty."""
        version = self.trust_version if version is None else version
        if version not in self._lists:
            rows = self._rows("SELECT name, range, header FROM trust_entries WHERE version = ? ORDER BY rowid", version)
            self._lists[version] = TrustList((entry(*row) for row in rows), version)
        return self._lists[version]

    def trust_history(self) -> list[TrustChange]:
        """All versions, oldest first."""
        return [TrustChange(*row) for row in self._rows("SELECT version, made_us, change FROM trust_versions ORDER BY version")]

    def trust_add(self, entries: Iterable[TrustEntry], now_us: int) -> int:
        """Trust these too; returns the version that does. What is on the list already makes no new version."""
        with self._lock:
            known = self.trust_list().entries
            fresh = [e for e in dict.fromkeys(entries) if e not in known]
            return self._make(known + tuple(fresh), "added " + _words(fresh), now_us) if fresh else self.trust_version

    def trust_set(self, entries: Iterable[TrustEntry], now_us: int) -> int:
        """Make these all that is trusted under their names; returns the version. No new one where it is so already."""
        with self._lock:
            known, wanted = self.trust_list().entries, list(dict.fromkeys(entries))
            names = {e.name for e in wanted}
            fresh = [e for e in wanted if e not in known]
            gone = [e for e in known if e.name in names and e not in wanted]
            if not (fresh or gone):
                return self.trust_version
            change = [f"{verb} {_words(some)}" for verb, some in (("added", fresh), ("removed", gone)) if some]
            return self._make([*(e for e in known if e not in gone), *fresh], ", ".join(change), now_us)

    def trust_also(self, entries: Iterable[TrustEntry], now_us: int) -> None:
        """Add those entries whose range is not believed for their header yet; no new version if there are none."""
        known = {(e.range, e.header) for e in self.trust_list().entries}
        new = [e for e in entries if (e.range, e.header) not in known]
        if new:
            self.trust_add(new, now_us)

    def trust_remove(self, what: str, now_us: int) -> int:
        """Trust a name, or a range, no longer; returns the new version. Raises UsageError if nothing is called that."""
        with self._lock:
            known = self.trust_list().entries
            gone = [e for e in known if what in (e.name, e.range.text)]
            if not gone:
                raise UsageError(f"no trusted proxy is called {what!r}", "the list has no such name or range", "unmasq config trust list")
            return self._make([e for e in known if e not in gone], "removed " + _words(gone), now_us)

    def _make(self, entries: Sequence[TrustEntry], change: str, now_us: int) -> int:
        version = self.trust_version + 1
        with self._db:
            self._db.execute("INSERT INTO trust_versions VALUES (?, ?, ?)", (version, now_us, change))
            rows = [(version, e.name, e.range.text, e.header) for e in entries]
            self._db.executemany("INSERT INTO trust_entries VALUES (?, ?, ?, ?)", rows)
        return version

    def retired_lines(self) -> list[tuple[FileIdentity, int, int]]:
        """Runs of lines whose days were deleted: they must not come back when a log that still holds them is read again."""
        rows = self._rows("SELECT device, inode, fingerprint, start, stop FROM retired_lines")
        return [(FileIdentity(int(device), int(inode), fingerprint), start, stop) for device, inode, fingerprint, start, stop in rows]

    def set_retired_lines(self, runs: Iterable[tuple[FileIdentity, int, int]]) -> None:
        """Replace them all."""
        rows = [(str(f.device), str(f.inode), f.fingerprint, start, stop) for f, start, stop in runs]  # u64 does not fit SQLite
        with self._lock, self._db:
            self._db.execute("DELETE FROM retired_lines")
            self._db.executemany("INSERT INTO retired_lines VALUES (?, ?, ?, ?, ?)", rows)

    def node_addresses(self) -> list[NodeAddress]:
        """The addresses of all nodes, as they were set last."""
        return [NodeAddress(*row) for row in self._rows("SELECT node, address, heard_us FROM node_addresses ORDER BY rowid")]

    def set_node_addresses(self, addresses: Iterable[NodeAddress]) -> None:
        """Replace them all. Raises StoreError."""
        try:
            with self._lock, self._db:
                self._db.execute("DELETE FROM node_addresses")
                self._db.executemany("INSERT INTO node_addresses VALUES (?, ?, ?)", list(addresses))
        except sqlite3.Error as error:
            raise StoreError("what nodes said cannot be kept", str(error), "is the disk full?") from error

    def _rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(question, values).fetchall()


def _opened(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if read_only:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    path.touch(mode=0o600)
    db = sqlite3.connect(path, check_same_thread=False)
    db.execute("PRAGMA synchronous = FULL")
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found < VERSION:
        db.executescript(f"BEGIN; {_NODE_ADDRESSES if found else _TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
    return db


def _words(entries: Iterable[TrustEntry]) -> str:
    return ", ".join(f"{e.name} {e.range.text} for {e.header}" for e in entries)
