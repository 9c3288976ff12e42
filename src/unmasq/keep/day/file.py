"""One day's file: its name, how it comes to be, and how it is attached or refused."""

import itertools
import os
import re
from contextlib import suppress
from datetime import date
from pathlib import Path

import duckdb

from unmasq.base.errors import StoreDamaged, StoreError, StoreTooNew
from unmasq.keep.day import schema

_EPOCH = date(1970, 1, 1).toordinal()
_OLDER = "_older"  # behind the name of a file that is read as if it were up to date
_NAME = re.compile(r"flows-(\d{4}-\d{2}-\d{2})\.duckdb")
_FOREIGN = "it holds none of our tables"
_ASIDE = ".damaged"  # behind the name of a file that was set aside
_DAMAGE = (
    "not a valid DuckDB database file",
    "Corrupt database file",
    "Could not read enough bytes",
    "Serialization Error",
)
"""What DuckDB says of a file that is not as it was written. Other errors may pass: a lock, a right, a full disk, a fault of its own."""


def name_of(day: int) -> str:
    """The name in the catalogue of a day (days since 1970): `day_2026_11_24`."""
    return f"day_{date.fromordinal(_EPOCH + day):%Y_%m_%d}"


def file_of(day: int) -> str:
    """The name of a day's file: `flows-2026-11-24.duckdb`."""
    return f"flows-{date.fromordinal(_EPOCH + day).isoformat()}.duckdb"


def day_of(file: str) -> int:
    """The day of a file's name, also of one that was set aside; far in the past for any other file."""
    day = day_in(file.partition(_ASIDE)[0])
    return -_EPOCH if day is None else day


def day_in(file: str) -> int | None:
    """The day of a file's name; None for any other file."""
    match = _NAME.fullmatch(file)
    try:
        return date.fromisoformat(match.group(1)).toordinal() - _EPOCH if match else None
    except ValueError:
        return None


def make(cursor: duckdb.DuckDBPyConnection, path: Path) -> None:
    """An empty day at `path`. It gets its name when it is whole, so that no crash or full disk leaves half a file under it."""
    making = path.with_name(path.name + ".making")
    unlink(making)
    try:
        cursor.execute(f"ATTACH '{_quoted(making)}' AS making (STORAGE_VERSION '{schema.STORAGE}')")
        schema.create(cursor, "making")
        cursor.execute("DETACH making")
        making.chmod(0o600)
        making.rename(path)
        _sync(path.parent)
    except (duckdb.Error, OSError) as error:
        with suppress(duckdb.Error):
            cursor.execute("DETACH DATABASE IF EXISTS making")
        unlink(making)
        raise StoreError(f"cannot make {path}", str(error).splitlines()[0], "is the disk full?") from error


def attach(cursor: duckdb.DuckDBPyConnection, path: Path, name: str, *, read_only: bool) -> None:
    """Attach a file; one of an older version is brought up to date, or read as if it were.

    Raises StoreDamaged where it is damaged or holds something else, StoreTooNew where a newer program made it, StoreError
    where it cannot be opened or brought up to date.
    """
    how = "READ_ONLY" if read_only else "READ_WRITE"
    try:
        cursor.execute(f"ATTACH '{_quoted(path)}' AS {name} ({how})")
    except duckdb.Error as error:
        raise _unreadable(path, str(error)) from None
    try:
        version = schema.version(cursor, name)
    except (duckdb.CatalogException, duckdb.BinderException, ValueError):
        version = 0  # there are no tables of ours
    except duckdb.Error as error:
        detach(cursor, name)
        raise _unreadable(path, str(error)) from None
    try:
        if 0 < version < schema.VERSION and read_only:
            cursor.execute(f"DETACH {name}; ATTACH '{_quoted(path)}' AS {name}{_OLDER} ({how}); ATTACH ':memory:' AS {name}")
            schema.show(cursor, name, name + _OLDER, version)
        elif 0 < version < schema.VERSION:
            schema.migrate(cursor, name, version)
    except duckdb.Error as error:
        detach(cursor, name)
        why = str(error).splitlines()[0]
        raise StoreError(f"{path} is of an older unmasq and cannot be brought up to date", why, "is the disk full?") from error
    if not 0 < version <= schema.VERSION:
        detach(cursor, name)
        raise _refused(path, version)


def detach(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    """Let a file go, whatever was done half."""
    with suppress(duckdb.TransactionException):
        cursor.rollback()
    cursor.execute(f"DETACH DATABASE IF EXISTS {name}; DETACH DATABASE IF EXISTS {name}{_OLDER}")


def unlink(path: Path) -> None:
    """Delete a file with its log."""
    for each in (path, _log_of(path)):
        each.unlink(missing_ok=True)


def set_aside(path: Path) -> Path:
    """Give a damaged file, with its log, a name that is no day's, and that nothing had before. Raises StoreError."""
    number = next(number for number in itertools.count() if not (path.parent / _aside(path, number)).exists())
    try:
        for each in (_log_of(path), path):
            if each.exists():
                each.rename(path.parent / _aside(each, number))
        _sync(path.parent)
    except OSError as error:
        raise StoreError(f"cannot set {path} aside", str(error.strerror), "move it away by hand") from error
    return path.parent / _aside(path, number)


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _aside(path: Path, number: int) -> str:
    return f"{path.name}{_ASIDE}{f'-{number}' if number else ''}"


def aside(folder: Path) -> list[str]:
    """The names of the files that were set aside, and that nobody took away yet."""
    return sorted(path.name for path in folder.glob(f"flows-*.duckdb{_ASIDE}*"))


def is_damage(why: str) -> bool:
    """Whether DuckDB speaks of a file that is not as it was written."""
    return any(words in why for words in _DAMAGE)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _unreadable(path: Path, why: str) -> StoreError:
    kind = StoreDamaged if why == _FOREIGN or is_damage(why) else StoreError
    return kind(f"{path} cannot be read as a day of flows", why.splitlines()[0], "move the file away to go on without that day")


def _refused(path: Path, version: int) -> StoreError:
    if version > schema.VERSION:
        return StoreTooNew(f"{path} was written by a newer unmasq", f"its tables are of version {version}, not {schema.VERSION}", "upgrade")
    return _unreadable(path, _FOREIGN)


def _sync(folder: Path) -> None:
    """Have the new name on disk, so that a power cut does not lose the file itself."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
