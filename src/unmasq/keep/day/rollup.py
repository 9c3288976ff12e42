"""Making the roll-up of a day, its clients by hour, within the transaction of the caller."""

import duckdb

from unmasq.keep.ask.hours import MAKE, NAME
from unmasq.keep.day import schema


def make(cursor: duckdb.DuckDBPyConnection, day: str) -> None:
    """Count a day's clients by hour, whatever was counted before."""
    for statement in MAKE.replace("day.", f"{day}.").strip().split(";\n"):
        cursor.execute(statement)


def is_made(cursor: duckdb.DuckDBPyConnection, day: str) -> bool:
    """Whether a day has a roll-up."""
    return schema.meta(cursor, day, NAME) is not None
