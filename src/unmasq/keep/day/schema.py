"""The tables of a day file, each in one place. The live part in memory has the same ones."""

import duckdb

from unmasq.model.columns import Columns
from unmasq.model.flowbatch import AddressColumns, AskedColumns, ChainColumns, FlowColumns
from unmasq.model.ingress import TEXTS

VERSION = 5
"""Of the tables below, and of how they are written; a file with a higher one was written by a newer program and is refused."""

ADDED = {2: ("flows", "pod", "BIGINT", "-1")}
"""What a version added to the one before: a column of a table, its type, and its value in older rows."""

MADE = {3: ("hours", "lives"), 4: ("long_texts",)}
"""Tables that a version added; an older file has none of it to tell."""

CLOSED = "closed"
"""In `meta` of a day whose address index is sorted."""

GROUPED = "row_group"
"""In `meta` of a file that was made with groups of so many rows. Files of versions before 5 have none of it, and DuckDB's groups."""

ROW_GROUP = 32_768
"""Rows that a look for some numbers reads, or passes over, at once. DuckDB has 122,880, so that for an address that came every minute all
of its day is read.

DuckDB must be told at each opening, and never of fewer rows than a file's groups have: where such a file gets a column and then rows,
DuckDB 2.0 fails for good. A version that adds a column has to look how large groups are (`pragma_storage_info`): an older program, or
DuckDB itself, may have written some large ones from a log into a file that was made with small ones, which harms nothing else.
"""

STORAGE = "v1.5.0"
"""The file format: the oldest that DuckDB 1.5 and 2.0 both write, so that a step back stays possible."""

_TYPES = {"u1": "UTINYINT", "u2": "USMALLINT", "u4": "UINTEGER", "u8": "UBIGINT", "i4": "INTEGER", "i8": "BIGINT"}

_SMALLER = dict.fromkeys(("flow", "headers", *TEXTS), "UINTEGER") | {"requests": "INTEGER"}
"""Numbers of one file, and what fits one interval: half as wide as in a batch, which a twelfth of all writing comes from."""


def _of(columns: type[Columns]) -> str:
    return ", ".join(f'"{name}" {_SMALLER.get(name) or _TYPES[dtype.str[1:]]}' for name, dtype in columns.dtypes().items())


# The same value may come again under another number; told how to compress, DuckDB need not try what there is.
_TEXT = "text BIGINT, value VARCHAR USING COMPRESSION zstd"

TABLES = {
    # `flow`, `chain`, `text` and `file` are numbers of this file alone, given in the order of arrival
    "flows": f"flow BIGINT, node VARCHAR, {_of(FlowColumns)}",
    "chains": f"chain BIGINT, {_of(ChainColumns)}",  # headers: a text
    "asked": _of(AskedColumns),
    "texts": _TEXT,
    "long_texts": _TEXT,  # see unmasq.keep.day.texts
    "addresses": _of(AddressColumns),  # sorted by (hi, lo) once the day is closed
    # clients by hour, once the day is closed (unmasq.keep.ask.hours); -1 bytes are unknown
    "hours": (
        "hour BIGINT, hi UBIGINT, lo UBIGINT, requests BIGINT, flows BIGINT, bytes_out BIGINT, first_us BIGINT, last_us BIGINT,"
        " evidence UTINYINT, timed BOOLEAN"
    ),
    # what an address was in a role that day (unmasq.keep.ask.lives); first_us is null where there are only read times
    "lives": (
        "hi UBIGINT, lo UBIGINT, role UTINYINT, requests BIGINT, flows BIGINT, inside BIGINT, crossing UBIGINT[], first_us BIGINT,"
        " last_us BIGINT"
    ),
    "files": "file INTEGER, device UBIGINT, inode UBIGINT, fingerprint VARCHAR",
    "lines": "file INTEGER, start BIGINT, stop BIGINT",  # runs of bytes [start, stop) that this day holds
    "rejects": "reason UTINYINT, amount BIGINT, sample VARCHAR",
    "batches": ("id UUID, node VARCHAR, flows BIGINT, chains BIGINT, requests BIGINT, joined BIGINT, first_us BIGINT, last_us BIGINT"),
    "meta": "name VARCHAR, value VARCHAR",
}


def create(cursor: duckdb.DuckDBPyConnection, database: str) -> None:
    """Make the tables in an empty database, in one transaction: a file has all of them or none."""
    tables = [f"CREATE TABLE {database}.{table} ({columns})" for table, columns in TABLES.items()]
    cursor.begin()
    cursor.execute("; ".join([*tables, f"INSERT INTO {database}.meta VALUES ('schema', '{VERSION}')"]))
    cursor.commit()


def is_like_ours(found: int) -> bool:
    """Whether the tables of that version are the same as ours."""
    return not _added_since(found) and not _made_since(found)


def migrate(cursor: duckdb.DuckDBPyConnection, database: str, found: int) -> None:
    """Bring the tables of an older version up to date, in one transaction."""
    cursor.begin()
    for table, column, kind, value in _added_since(found):
        cursor.execute(f"ALTER TABLE {database}.{table} ADD COLUMN {column} {kind} DEFAULT {value}")
    for table in _made_since(found):
        cursor.execute(f"CREATE TABLE {database}.{table} ({TABLES[table]})")
    cursor.execute(f"UPDATE {database}.meta SET value = $version WHERE name = 'schema'", {"version": str(VERSION)})
    cursor.commit()


def show(cursor: duckdb.DuckDBPyConnection, database: str, older: str, found: int) -> None:
    """Views in an empty database that show an older one as if it were up to date."""
    for table in _made_since(found):
        cursor.execute(f"CREATE TABLE {database}.{table} ({TABLES[table]})")
    for table in TABLES.keys() - set(_made_since(found)):
        more = "".join(f", ({value})::{kind} AS {column}" for of, column, kind, value in _added_since(found) if of == table)
        cursor.execute(f"CREATE VIEW {database}.{table} AS SELECT *{more} FROM {older}.{table}")


def _added_since(found: int) -> list[tuple[str, str, str, str]]:
    return [added for since, added in sorted(ADDED.items()) if since > found]


def _made_since(found: int) -> list[str]:
    return [table for since, tables in sorted(MADE.items()) if since > found for table in tables]


def version(cursor: duckdb.DuckDBPyConnection, database: str) -> int:
    """The version of a database's tables. Raises duckdb.Error for a file that holds something else."""
    return int(meta(cursor, database, "schema") or 0)


def meta(cursor: duckdb.DuckDBPyConnection, database: str, name: str) -> str | None:
    """What a file says about itself, by name."""
    row = cursor.execute(f"SELECT value FROM {database}.meta WHERE name = $name", {"name": name}).fetchone()
    return None if row is None else str(row[0])
