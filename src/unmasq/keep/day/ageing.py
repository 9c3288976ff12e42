"""What happens to days as they grow old: their index is sorted and their clients are counted once, and one day their file goes."""

from collections.abc import Iterator

import duckdb

from unmasq.base.clock import DAY_US, MICROSECONDS
from unmasq.base.errors import StoreDamaged, UsageError
from unmasq.keep.ask.completeness import covered
from unmasq.keep.day import rollup, schema
from unmasq.keep.day.file import name_of
from unmasq.keep.duck import DuckStore

_SORT = """
CREATE TABLE {day}.sorted AS SELECT * FROM {day}.addresses ORDER BY hi, lo, flow, chain;
DROP TABLE {day}.addresses;
ALTER TABLE {day}.sorted RENAME TO addresses;
"""


EVERY_US = 3600 * MICROSECONDS
"""How often a store is looked after that is being filled."""


class Ageing:
    """Looks after a store that is being filled: closes days, and deletes those that are older than `retention_days`."""

    def __init__(self, store: DuckStore, retention_days: int, now_us: int) -> None:
        self._store, self._retention_days, self._done_us = store, retention_days, now_us

    def turn(self, now_us: int) -> None:
        """To be called again and again: does something once an hour. Raises StoreError."""
        if now_us - self._done_us >= EVERY_US:
            self._done_us = now_us
            list(close_days(self._store))
            expire(self._store, self._retention_days, now_us)


def close_days(store: DuckStore) -> Iterator[int]:
    """Close every day that is over, one a step: those older than the newest day. Yields each as it is done."""
    newest = max(store.days.days(), default=0)
    for day in store.days.readable():
        if day < newest and close_day(store, day):
            yield day


def close_day(store: DuckStore, day: int) -> bool:
    """Sort a day's address index, so that a look-up reads a few blocks of it, and count its clients by hour.

    Returns whether there was anything to do.
    """
    name = name_of(day)
    with store.changing(day) as cursor:
        if schema.meta(cursor, name, schema.CLOSED) is None:
            sort_addresses(cursor, name)
            cursor.execute(f"INSERT INTO {name}.meta VALUES ($name, 'yes')", {"name": schema.CLOSED})
        elif rollup.is_made(cursor, name):
            return False
        rollup.make(cursor, name)
    return True


def sort_addresses(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    """Rewrite the address index of a day in the order of addresses, within the transaction of the caller."""
    for statement in _SORT.format(day=name).strip().split(";\n"):
        cursor.execute(statement)


def days_to_keep(retention_days: int) -> int:
    """The number of days, where it is one. Raises UsageError: fewer than one would delete what is being written."""
    if retention_days < 1:
        why = "days are counted back from the newest flow, so that fewer than one would delete the whole store"
        raise UsageError(f"not a number of days to keep: {retention_days}", why, "give --retention-days a number from 1 on")
    return retention_days


def expire(store: DuckStore, retention_days: int, now_us: int) -> list[int]:
    """Delete the files of days that lie more than `retention_days` before the newest flow, and before now; returns the days that went.

    A flow of the future, by a wrong clock or by whoever has a node's token, makes nothing older than it is.

    The lines they held stay known, since a log that still has them may be read again. Raises UsageError as `days_to_keep`.
    """
    days_to_keep(retention_days)
    newest_us = store.health().newest_us
    if newest_us is None:
        return []
    oldest = min(newest_us, now_us) // DAY_US - retention_days
    return [day for day in store.days.days() if day < oldest and _forget(store, day)]


def _forget(store: DuckStore, day: int) -> bool:
    with store.at([day], without=(StoreDamaged,)) as view:
        held = covered(view, store.control.retired_lines())
    store.control.set_retired_lines((each.file, start, stop) for each in held for start, stop in each.runs)
    return store.forget(day)
