"""What may happen to the file of a day while nobody has it open."""

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import duckdb

from unmasq.keep.day import schema

CATALOGUE = 3 * 4096
"""Where it begins in a DuckDB file: behind the headers."""


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    """Nothing of it is as it was, but its size."""
    path.write_bytes(Random(1).randbytes(path.stat().st_size))


def _cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _pages(path: Path) -> None:
    """That of the catalogue, and some anywhere."""
    rng = Random(2)
    with path.open("r+b") as file:
        for at in (CATALOGUE, *(rng.randrange(CATALOGUE, path.stat().st_size) for _ in range(30))):
            file.seek(at)
            file.write(rng.randbytes(4096))


def _foreign(path: Path) -> None:
    path.unlink()
    with duckdb.connect(path) as other:
        other.execute("CREATE TABLE theirs AS SELECT 1")


def _alike(path: Path) -> None:
    """Of another program that has a table of our name."""
    path.unlink()
    with duckdb.connect(path) as other:
        other.execute("CREATE TABLE meta AS SELECT 'schema' AS name, 'two' AS value")


def newer(path: Path, by: int = 1) -> None:
    """Of a later version of unmasq; or of this one again, by 0."""
    with duckdb.connect(path) as base:
        base.execute(f"UPDATE meta SET value = '{schema.VERSION + by}' WHERE name = 'schema'")


DAMAGE: Mapping[str, Callable[[Path], None]] = {
    "empty": _empty,
    "garbage": garbage,
    "cut in half": _cut,
    "random pages": _pages,
    "of another program": _foreign,
    "of one that is alike": _alike,
}
"""After which it will never be a day of flows again."""
