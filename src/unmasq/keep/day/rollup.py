"""Making the roll-ups of a day, its clients by hour and its addresses by role, within the transaction of the caller."""

import duckdb

from unmasq.keep.ask import hours, lives
from unmasq.keep.day import schema


def make(cursor: duckdb.DuckDBPyConnection, day: str) -> None:
    """Count a day's clients and addresses, whatever was counted before."""
    for statement in (lives.MAKE + hours.MAKE).replace("day.", f"{day}.").strip().split(";\n"):
        cursor.execute(statement)


def is_made(cursor: duckdb.DuckDBPyConnection, day: str) -> bool:
    """Whether a day has a roll-up."""
    return schema.meta(cursor, day, hours.NAME) is not None
