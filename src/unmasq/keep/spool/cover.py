"""Which log lines a spool has taken, whatever became of their flows since: they must not be read again."""

import sqlite3

import numpy as np

from unmasq.base.clock import DAY_US
from unmasq.keep.day.runs import merged, of_one
from unmasq.model.flowbatch import LineColumns
from unmasq.model.ingress import FileIdentity

MANY_RUNS = 20_000
"""Rows that were added before all of them are merged."""
GONE_US = 7 * DAY_US
MOST_FILES = 4096
"""A file is forgotten of which nothing was read for `GONE_US`, while so many others were."""


class CoveredLines:
    """The tables `files` and `lines`; every call is within a transaction of the caller."""

    def __init__(self) -> None:
        self._added = 0

    def add(self, db: sqlite3.Connection, files: list[FileIdentity], lines: LineColumns, now_us: int) -> None:
        """Cover runs of lines."""
        used = np.unique(lines.file).tolist()
        numbers = {file: _number(db, files[file], now_us) for file in used}
        rows = zip(lines.file.tolist(), lines.start.tolist(), lines.end.tolist(), strict=True)
        db.executemany("INSERT INTO lines VALUES (?, ?, ?)", [(numbers[file], start, stop) for file, start, stop in rows])
        self._added += len(lines)
        if self._added > MANY_RUNS:
            self.tidy(db, now_us)

    def tidy(self, db: sqlite3.Connection, now_us: int) -> None:
        """Merge runs, and forget files that are long gone."""
        newest = "SELECT file FROM files ORDER BY seen_us DESC LIMIT ?"
        db.execute(f"DELETE FROM files WHERE seen_us < ? AND file NOT IN ({newest})", (now_us - GONE_US, MOST_FILES))
        db.execute("DELETE FROM lines WHERE file NOT IN (SELECT file FROM files)")
        table = np.array(db.execute("SELECT file, start, stop FROM lines").fetchall(), "i8").reshape(-1, 3)
        columns = [column.tolist() for column in merged(*table.T)]
        db.execute("DELETE FROM lines")
        db.executemany("INSERT INTO lines VALUES (?, ?, ?)", list(zip(*columns, strict=True)))
        self._added = 0


def covered(db: sqlite3.Connection) -> dict[FileIdentity, list[tuple[int, int]]]:
    """The runs of each file, sorted and merged; the file of which something was taken last at the end."""
    found: dict[FileIdentity, list[tuple[int, int]]] = {}
    rows = db.execute("SELECT device, inode, fingerprint, start, stop FROM files JOIN lines USING (file) ORDER BY seen_us, file")
    for device, inode, fingerprint, start, stop in rows:
        found.setdefault(FileIdentity(int(device), int(inode), fingerprint), []).append((start, stop))
    return {file: of_one(runs) for file, runs in found.items()}


def _number(db: sqlite3.Connection, file: FileIdentity, now_us: int) -> int:
    known = "ON CONFLICT (device, inode, fingerprint) DO UPDATE SET seen_us = excluded.seen_us"
    question = f"INSERT INTO files (device, inode, fingerprint, seen_us) VALUES (?, ?, ?, ?) {known} RETURNING file"
    values = (str(file.device), str(file.inode), file.fingerprint, now_us)  # u64 does not fit SQLite
    return int(db.execute(question, values).fetchall()[0][0])
