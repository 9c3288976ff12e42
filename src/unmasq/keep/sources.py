"""Where a question looks: day files and the live part, as one consistent picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from unmasq.base.clock import DAY_US
from unmasq.model.filter import FlowFilter

EVERYTHING = 1 << 62
_SLACK_US = DAY_US // 24  # no interval is longer, so no flow of a day ends later than this


@dataclass(frozen=True)
class Source:
    """One database with the tables of `schema`; its flows from number `below` on were not there when the question came."""

    database: str
    day: int | None = None  # None: the live part, flows of any day
    below: int = EVERYTHING
    provisional: bool = False


@dataclass(frozen=True)
class View:
    """A cursor and the sources to ask, the live part first, then days from new to old."""

    cursor: duckdb.DuckDBPyConnection
    sources: Sequence[Source]

    def union(self, select: str) -> str:
        """One SELECT over all sources. In `select`, {db} is the source's database, {below} its bound, {place} its position."""
        parts = [select.format(db=s.database, below=s.below, place=place) for place, s in enumerate(self.sources)]
        return "\nUNION ALL\n".join(parts)


def days_within(days: Iterable[int], wanted: FlowFilter) -> list[int]:
    """Those of the days that can hold flows of the filter's window, in their order."""
    since = 0 if wanted.since_us is None else wanted.since_us - DAY_US - _SLACK_US
    until = EVERYTHING if wanted.until_us is None else wanted.until_us
    return [day for day in days if since < day * DAY_US < until]
