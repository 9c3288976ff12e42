"""The day files of a directory, attached to one DuckDB while somebody uses them."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from unmasq.base.errors import StoreDamaged, StoreError
from unmasq.keep.day import attaching, schema
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
        self._unreadable: dict[int, StoreError] = {}
        self._damaged: dict[int, StoreDamaged] = {}  # found within a file that could be attached
        self._days = {day for path in folder.iterdir() if (day := dayfile.day_in(path.name)) is not None}

    def days(self) -> list[int]:
        """All days that have a file, newest first."""
        with self._lock:
            return sorted(self._days, reverse=True)

    def readable(self) -> list[int]:
        """Those of the days that can be read, newest first."""
        return [day for day in self.days() if self._is_readable(day)]

    def _is_readable(self, day: int) -> bool:
        with self.use([day], without=(StoreError,)) as names:
            return bool(names)

    @contextmanager
    def use(self, days: Sequence[int], *, without: tuple[type[StoreError], ...] = ()) -> Iterator[dict[int, str]]:
        """The names in the catalogue of those days that there still are, attached until the block ends.

        Raises StoreError for a file that is no day file, or cannot be read; those that are so in one of the ways of `without`
        are left out.
        """
        with self._lock:
            held = [day for day in days if day in self._days]
            self._used.update(held)
        try:
            yield {day: name for day in held if (name := self._attached_but(day, without))}
        finally:
            with self._lock:
                self._used.subtract(held)
                self._detach_surplus()

    def ensure(self, day: int) -> None:
        """Make the file of a day that has none yet. Raises StoreError."""
        with self._lock, self._connection.cursor() as cursor:
            if day not in self._days:
                attaching.make(cursor, self.folder / file_of(day))
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

    @property
    def unreadable(self) -> Mapping[str, str]:
        """The files whose days are left out of every answer, each with why."""
        with self._lock:
            found = {file_of(day): error.why or error.what for day, error in self._unreadable.items() if day in self._days}
        return found | dict.fromkeys(dayfile.aside(self.folder), "it was damaged, and was set aside when its day was to be written")

    def find_damage(self, days: Sequence[int]) -> StoreDamaged | None:
        """Read all of some attached days; those that are damaged inside are left out from now on. Returns what is wrong with one."""
        found = {day: error for day in days if (error := self._damage_in(day))}
        with self._lock:
            self._damaged |= found
        return next(iter(found.values()), None)

    def _damage_in(self, day: int) -> StoreDamaged | None:
        with self._connection.cursor() as cursor:
            try:
                for table in schema.TABLES:
                    cursor.execute(f"SELECT bit_xor(hash(t)) FROM {name_of(day)}.{table} t").fetchall()
            except duckdb.Error as error:
                if dayfile.is_damage(str(error)):
                    what, why = f"{self.folder / file_of(day)} is damaged", str(error).splitlines()[0]
                    return StoreDamaged(what, why, "its day is left out of every answer; restore the file")
        return None

    def set_aside(self, day: int) -> Path:
        """Rename the damaged file of a day that must be written. Raises StoreError while somebody reads it."""
        with self._lock:
            if self._used[day]:
                raise StoreError(f"{file_of(day)} is damaged", "somebody reads it just now", "it is tried again")
            self._detach(day)
            self._days.discard(day)
            self._damaged.pop(day, None)
            self._unreadable.pop(day, None)
            return dayfile.set_aside(self.folder / file_of(day))

    def _attached_but(self, day: int, without: tuple[type[StoreError], ...]) -> str | None:
        try:
            name = self._attach(day)
        except without as error:
            with self._lock:
                self._unreadable[day] = error
            return None
        with self._lock:
            self._unreadable.pop(day, None)
        return name

    def _attach(self, day: int) -> str:
        with self._lock:
            if day in self._damaged:
                raise self._damaged[day]
            if self._attached.pop(day, 0) == 0:
                with self._connection.cursor() as cursor:
                    attaching.attach(cursor, self.folder / file_of(day), name_of(day), read_only=self._read_only)
            self._attached[day] = None
            return name_of(day)

    def _detach_surplus(self) -> None:
        idle = [day for day in self._attached if not self._used[day]]
        for day in idle[: max(0, len(self._attached) - self._limit)]:
            self._detach(day)

    def _detach(self, day: int) -> None:
        if day in self._attached:
            with self._connection.cursor() as cursor:
                attaching.detach(cursor, name_of(day))
            del self._attached[day]
