"""Judging stored flows again, as if the present trust list had been there when they came."""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from unmasq.base.clock import DAY_US
from unmasq.keep.day import verdicts
from unmasq.keep.day.file import name_of
from unmasq.keep.duck import DuckStore
from unmasq.unwind.trust import TrustList

AT_ONCE = 50_000
"""Flows that are judged in one go: bounds the memory it takes."""


@dataclass(frozen=True)
class Progress:
    """One day that is done; of `days`, this was number `done`."""

    day: int
    flows: int
    done: int
    days: int


_OLDER = "SELECT count(*), coalesce(min(flow), 0), coalesce(max(flow), -1) FROM {day}.flows WHERE trust_version <> $version"
_SOME = "SELECT * FROM {day}.{table} WHERE flow BETWEEN $first AND $last ORDER BY ALL"
_JUDGED = "UPDATE {day}.flows SET trust_version = {version} WHERE trust_version <> {version}"


def rejudge(store: DuckStore, since_us: int | None = None) -> Iterator[Progress]:
    """Judge all days that can be read, or those from `since_us` on, by the present list, newest first; one transaction a day.

    What others summed up, and what lines said of themselves, stays as it came.
    """
    trust = store.control.trust_list()
    days = [day for day in store.days.readable() if since_us is None or day >= since_us // DAY_US]
    for done, day in enumerate(days, 1):
        with store.changing(day) as cursor:
            flows = _judge_day(cursor, name_of(day), trust)
        yield Progress(day, flows, done, len(days))


def _judge_day(cursor: duckdb.DuckDBPyConnection, day: str, trust: TrustList) -> int:
    """Returns how many flows an other list had judged."""
    flows, first, last = cursor.execute(_OLDER.format(day=day), {"version": trust.version}).fetchall()[0]
    if not flows:
        return 0
    verdicts.begin(cursor)
    for begin in range(first, last + 1, AT_ONCE):
        _judge_some(cursor, day, trust, {"first": begin, "last": min(begin + AT_ONCE - 1, last)})
    verdicts.apply(cursor, day)
    cursor.execute(_JUDGED.format(day=day, version=trust.version))
    verdicts.close_again(cursor, day)
    return int(flows)


def _judge_some(cursor: duckdb.DuckDBPyConnection, day: str, trust: TrustList, numbers: dict[str, int]) -> None:
    flows = cursor.execute(_SOME.format(day=day, table="flows"), numbers).fetchnumpy()
    rows = cursor.execute(_SOME.format(day=day, table="chains"), numbers).fetchnumpy()
    verdicts.judge_rows(cursor, day, trust, flows, rows)
