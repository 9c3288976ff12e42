"""One day's file: its name, and what it is called when it is set aside."""

import itertools
import os
import re
from datetime import date
from pathlib import Path

from unmasq.base.errors import StoreError

_EPOCH = date(1970, 1, 1).toordinal()
_NAME = re.compile(r"flows-(\d{4}-\d{2}-\d{2})\.duckdb")
_ASIDE = ".damaged"  # behind the name of a file that was set aside
_DAMAGE = (
    "not a valid DuckDB database file",
    "Corrupt database file",
    "Could not read enough bytes",
    "Serialization Error",
    "database does not exist",
)
"""What DuckDB says of a file that is not as it was written, or gone. Other errors may pass: a lock, a right, a full disk, a fault."""


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
        sync(path.parent)
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


def sync(folder: Path) -> None:
    """Have the new name on disk, so that a power cut does not lose the file itself."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
