"""How one day's file comes to be, and how it is attached or refused."""

from contextlib import suppress
from pathlib import Path

import duckdb

from unmasq.base.errors import StoreDamaged, StoreError, StoreTooNew
from unmasq.keep.day import schema
from unmasq.keep.day.file import is_damage, sync, unlink

_OLDER = "_older"  # behind the name of a file that is read as if it were up to date
_FOREIGN = "it holds none of our tables"


def make(cursor: duckdb.DuckDBPyConnection, path: Path) -> None:
    """An empty day at `path`. It gets its name when it is whole, so that no crash or full disk leaves half a file under it."""
    making = path.with_name(path.name + ".making")
    unlink(making)
    try:
        cursor.execute(f"ATTACH '{_quoted(making)}' AS making (STORAGE_VERSION '{schema.STORAGE}', {_groups(schema.ROW_GROUP)})")
        schema.create(cursor, "making")
        cursor.execute("INSERT INTO making.meta VALUES ($name, $rows)", {"name": schema.GROUPED, "rows": str(schema.ROW_GROUP)})
        cursor.execute("DETACH making")
        making.chmod(0o600)
        making.rename(path)
        sync(path.parent)
    except (duckdb.Error, OSError) as error:
        with suppress(duckdb.Error):
            cursor.execute("DETACH DATABASE IF EXISTS making")
        unlink(making)
        raise StoreError(f"cannot make {path}", str(error).splitlines()[0], "is the disk full?") from error


def attach(cursor: duckdb.DuckDBPyConnection, path: Path, name: str, *, read_only: bool) -> None:
    """Attach a file; one of an older version is brought up to date, or read as if it were.

    It is looked at before it is opened to be written: it says with groups of how many rows it must be opened (see `schema.ROW_GROUP`),
    and whoever opens it to be written also writes its log into it.

    Raises StoreDamaged where it is damaged, gone, or holds something else, StoreTooNew where a newer program made it, StoreError
    where it cannot be opened or brought up to date.
    """
    version = _opened(cursor, path, name, "READ_ONLY")
    if not 0 < version <= schema.VERSION:
        _let_go(cursor, name)
        raise _refused(path, version)
    if not read_only and _opened_again(cursor, path, name) != version:
        _let_go(cursor, name)
        raise StoreError(f"{path} became another file while it was opened", "somebody put it there", "it is tried again")
    if not schema.is_like_ours(version):
        _bring_up_to_date(cursor, path, name, version, read_only=read_only)


def _opened(cursor: duckdb.DuckDBPyConnection, path: Path, name: str, how: str) -> int:
    """The version of an attached file's tables, 0 where there are none of ours."""
    try:
        cursor.execute(f"ATTACH '{_quoted(path)}' AS {name} ({how})")
        return _version(cursor, name)
    except duckdb.Error as error:
        _let_go(cursor, name)
        raise _unreadable(path, str(error)) from None


def _opened_again(cursor: duckdb.DuckDBPyConnection, path: Path, name: str) -> int:
    """To be written, in groups of as many rows as the file was made with; its version."""
    try:
        rows = int(schema.meta(cursor, name, schema.GROUPED) or 0)
        cursor.execute(f"DETACH {name}")
    except (duckdb.Error, ValueError) as error:
        _let_go(cursor, name)
        raise _unreadable(path, str(error)) from None
    return _opened(cursor, path, name, f"READ_WRITE, {_groups(rows)}" if rows else "READ_WRITE")


def _groups(rows: int) -> str:
    return f"ROW_GROUP_SIZE {rows}"


def _version(cursor: duckdb.DuckDBPyConnection, name: str) -> int:
    try:
        return schema.version(cursor, name)
    except (duckdb.CatalogException, duckdb.BinderException, ValueError):
        return 0


def _bring_up_to_date(cursor: duckdb.DuckDBPyConnection, path: Path, name: str, version: int, *, read_only: bool) -> None:
    try:
        if read_only:
            cursor.execute(f"DETACH {name}; ATTACH '{_quoted(path)}' AS {name}{_OLDER} (READ_ONLY); ATTACH ':memory:' AS {name}")
            schema.show(cursor, name, name + _OLDER, version)
        else:
            schema.migrate(cursor, name, version)
    except duckdb.Error as error:
        _let_go(cursor, name)
        why = str(error).splitlines()[0]
        raise StoreError(f"{path} is of an older unmasq and cannot be brought up to date", why, "is the disk full?") from error


def detach(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    """Let a file go, whatever was done half."""
    with suppress(duckdb.TransactionException):
        cursor.rollback()
    cursor.execute(f"DETACH DATABASE IF EXISTS {name}; DETACH DATABASE IF EXISTS {name}{_OLDER}")


def _let_go(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    """As `detach`, where something went wrong before, which is to be told."""
    with suppress(duckdb.Error):
        detach(cursor, name)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _unreadable(path: Path, why: str) -> StoreError:
    kind = StoreDamaged if why == _FOREIGN or is_damage(why) else StoreError
    return kind(f"{path} cannot be read as a day of flows", why.splitlines()[0], "move the file away to go on without that day")


def _refused(path: Path, version: int) -> StoreError:
    if version > schema.VERSION:
        return StoreTooNew(f"{path} was written by a newer unmasq", f"its tables are of version {version}, not {schema.VERSION}", "upgrade")
    return _unreadable(path, _FOREIGN)
