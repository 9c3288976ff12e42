"""The day files of a directory: named by their day, attached to one DuckDB while somebody uses them."""

import os
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import duckdb

from unmasq.base.errors import StoreError, StoreTooNew
from unmasq.keep import schema

_EPOCH = date(1970, 1, 1).toordinal()
_NAME = re.compile(r"flows-(\d{4}-\d{2}-\d{2})\.duckdb")


def name_of(day: int) -> str:
    """The name in the catalogue of a day (days since 1970): `day_2026_11_24`."""
    return f"day_{date.fromordinal(_EPOCH + day):%Y_%m_%d}"


def file_of(day: int) -> str:
    """The name of a day's file: `flows-2026-11-24.duckdb`."""
    return f"flows-{date.fromordinal(_EPOCH + day).isoformat()}.duckdb"


class DayFiles:
    """Attaches what is asked for, keeps at most `attached` files open beyond those in use, and knows every day there is."""

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection, *, read_only: bool, attached: int) -> None:
        self.folder = folder
        self._connection = connection
        self._read_only = read_only
        self._limit = attached
        self._lock = threading.RLock()
        self._attached: dict[int, None] = {}  # least recently used first
        self._used: Counter[int] = Counter()
        self._days = {day for path in folder.iterdir() if (day := _day_in(path.name)) is not None}

    def days(self) -> list[int]:
        """All days that have a file, newest first."""
        with self._lock:
            return sorted(self._days, reverse=True)

    @contextmanager
    def use(self, days: Sequence[int]) -> Iterator[dict[int, str]]:
        """The names in the catalogue of those days that there still are, attached until the block ends.

        Raises StoreError for a file that is no day file.
        """
        with self._lock:
            held = [day for day in days if day in self._days]
            self._used.update(held)
        try:
            yield {day: self._attach(day) for day in held}
        finally:
            with self._lock:
                self._used.subtract(held)
                self._detach_surplus()

    def ensure(self, day: int) -> None:
        """Make the file of a day that has none yet. Raises StoreError, and leaves no half of a file behind."""
        with self._lock:
            if day in self._days:
                return
            path = self.folder / file_of(day)
            with self._connection.cursor() as cursor:
                try:
                    cursor.execute(f"ATTACH '{_quoted(path)}' AS {name_of(day)} (STORAGE_VERSION '{schema.STORAGE}')")
                    schema.create(cursor, name_of(day))
                except duckdb.Error as error:
                    with suppress(duckdb.Error):
                        cursor.execute(f"DETACH DATABASE IF EXISTS {name_of(day)}")
                    _unlink(path)
                    raise StoreError(f"cannot make {path}", str(error).splitlines()[0], "is the disk full?") from error
            _make_private(path)
            self._days.add(day)
            self._attached[day] = None

    def remove(self, day: int) -> bool:
        """Delete the file of a day, unless somebody reads it just now."""
        with self._lock:
            if self._used[day]:
                return False
            self._detach(day)
            self._days.discard(day)
            _unlink(self.folder / file_of(day))
            return True

    def _attach(self, day: int) -> str:
        with self._lock:
            if self._attached.pop(day, 0) == 0:
                self._open(day, self.folder / file_of(day))
            self._attached[day] = None
            return name_of(day)

    def _open(self, day: int, path: Path) -> None:
        mode = "READ_ONLY" if self._read_only else "READ_WRITE"
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(f"ATTACH '{_quoted(path)}' AS {name_of(day)} ({mode})")
            except duckdb.Error as error:
                raise _unreadable(path, str(error)) from None
            try:
                found = schema.version(cursor, name_of(day))
            except duckdb.Error:
                found = 0
            if found != schema.VERSION:
                cursor.execute(f"DETACH {name_of(day)}")
                raise _refused(path, found)

    def _detach_surplus(self) -> None:
        idle = [day for day in self._attached if not self._used[day]]
        for day in idle[: max(0, len(self._attached) - self._limit)]:
            self._detach(day)

    def _detach(self, day: int) -> None:
        if day in self._attached:
            with self._connection.cursor() as cursor:
                cursor.execute(f"DETACH {name_of(day)}")
            del self._attached[day]


def _unlink(path: Path) -> None:
    for each in (path, path.with_name(path.name + ".wal")):
        each.unlink(missing_ok=True)


def _day_in(name: str) -> int | None:
    match = _NAME.fullmatch(name)
    try:
        return date.fromisoformat(match.group(1)).toordinal() - _EPOCH if match else None
    except ValueError:
        return None


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _unreadable(path: Path, why: str) -> StoreError:
    return StoreError(f"{path} cannot be read as a day of flows", why.splitlines()[0], "move the file away to go on without that day")


def _refused(path: Path, version: int) -> StoreError:
    if version > schema.VERSION:
        return StoreTooNew(f"{path} was written by a newer unmasq", f"its tables are of version {version}, not {schema.VERSION}", "upgrade")
    return _unreadable(path, "it holds none of our tables")


def _make_private(path: Path) -> None:
    """Mode 0600, and the new name on disk, so that a power cut does not lose the file itself."""
    for each in (path, path.with_name(path.name + ".wal")):
        if each.exists():
            each.chmod(0o600)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
