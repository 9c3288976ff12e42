"""Where a question looks: day files and the live part, as one consistent picture."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from unmasq.base.clock import DAY_US
from unmasq.keep.day.texts import every_text
from unmasq.model.filter import FlowFilter
from unmasq.unwind.trust import TrustList

Row = dict[str, Any]
TrustOf = Callable[[int], TrustList]
"""A trust list by its version."""

EVERYTHING = 1 << 62
AT_ONCE = 10
"""Sources of one statement, where it finds little in each."""

_WORDS = re.compile(r"\bday\.every_text\b|\bday\.|\bBELOW\b|\bPLACE\b")
_UNION = "\nUNION ALL\n"
SLACK_US = DAY_US // 24
"""No interval is longer, so no flow of a day ends later than this after it."""


@dataclass(frozen=True)
class Source:
    """One database with the tables of `schema`; its flows from number `below` on were not there when the question came.

    `stamp` is another one once it holds something else; None where that cannot be told.
    """

    database: str
    day: int | None = None  # None: the live part, flows of any day
    below: int = EVERYTHING
    provisional: bool = False
    stamp: Hashable = None


@dataclass(frozen=True)
class View:
    """A cursor and the sources to ask, the live part first, then days from new to old; and by which lists they were judged."""

    cursor: duckdb.DuckDBPyConnection
    sources: Sequence[Source]
    trust_of: TrustOf
    gathered: dict[Hashable, Mapping[int, int]] = field(default_factory=dict)
    """Whose rows of the index the cursor has in the table `hits`, and how many by place: several questions of one answer share them."""

    def ask(self, question: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of an answer."""
        return self.cursor.execute(question, values or {}).fetchall()

    def rows(self, question: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of an answer, each by the names of its columns."""
        rows = self.ask(question, values)
        names = [column[0] for column in self.cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def collect(self, table: str, places: Sequence[int], select: str, values: Mapping[str, Any] | None = None, *, at_once: int = 1) -> None:
        """Put what a SELECT gives in some sources into one temporary table, so many sources at once: memory for these is enough."""
        for start in range(0, len(places), at_once):
            into = f"INSERT INTO {table}" if start else f"CREATE OR REPLACE TEMP TABLE {table} AS"
            self.ask(f"{into} {_UNION.join(self.within(place, select) for place in places[start : start + at_once])}", values)

    def within(self, place: int, select: str) -> str:
        """A SELECT of one source: `day.` in its text is the source's database, BELOW its bound, PLACE its position.

        `day.every_text` has the rows of both tables of texts.
        """
        source = self.sources[place]
        words = {
            "day.every_text": every_text(source.database),
            "day.": f"{source.database}.",
            "BELOW": str(source.below),
            "PLACE": str(place),
        }
        return _WORDS.sub(lambda match: words[match.group()], select)

    def union(self, select: str) -> str:
        """One SELECT over all sources, each as in `within`."""
        return _UNION.join(self.within(place, select) for place in range(len(self.sources)))


def days_within(days: Iterable[int], wanted: FlowFilter) -> list[int]:
    """Those of the days that can hold flows of the filter's window, in their order."""
    since = 0 if wanted.since_us is None else wanted.since_us - DAY_US - SLACK_US
    until = EVERYTHING if wanted.until_us is None else wanted.until_us
    return [day for day in days if since < day * DAY_US < until]
