"""The day files of a directory, attached to one DuckDB while somebody uses them."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from unmasq.keep.day import file as dayfile
from unmasq.keep.day.file import file_of, name_of


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
        self._days = {day for path in folder.iterdir() if (day := dayfile.day_in(path.name)) is not None}

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
        """Make the file of a day that has none yet. Raises StoreError."""
        with self._lock, self._connection.cursor() as cursor:
            if day not in self._days:
                dayfile.make(cursor, self.folder / file_of(day))
                self._days.add(day)

    def remove(self, day: int) -> bool:
        """Delete the file of a day, unless somebody reads it just now."""
        with self._lock:
            if self._used[day]:
                return False
            self._detach(day)
            self._days.discard(day)
            dayfile.unlink(self.folder / file_of(day))
            return True

    def _attach(self, day: int) -> str:
        with self._lock:
            if self._attached.pop(day, 0) == 0:
                with self._connection.cursor() as cursor:
                    dayfile.attach(cursor, self.folder / file_of(day), name_of(day), read_only=self._read_only)
            self._attached[day] = None
            return name_of(day)

    def _detach_surplus(self) -> None:
        idle = [day for day in self._attached if not self._used[day]]
        for day in idle[: max(0, len(self._attached) - self._limit)]:
            self._detach(day)

    def _detach(self, day: int) -> None:
        if day in self._attached:
            with self._connection.cursor() as cursor:
                dayfile.detach(cursor, name_of(day))
            del self._attached[day]
