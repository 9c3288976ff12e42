"""What connections have to tell about intervals that are over."""

from collections.abc import Iterator
from dataclasses import dataclass

from unmasq.join.settings import WindowSettings
from unmasq.join.table import Connection, ConnectionTable

EVER_US = 1 << 62
"""Later than any time."""


@dataclass(frozen=True)
class Part:
    """A connection's share in one interval: what the kernel counted there, and whether any line names it."""

    connection: Connection
    interval_us: int
    counts: tuple[int, int, int, int] | None


def parts(table: ConnectionTable, settings: WindowSettings, now_us: int, before_us: int, *, everything: bool) -> list[Part]:
    """The shares of all connections in intervals that began at `before_us` or earlier; who is over leaves the table.

    A connection without any line tells of itself only when it has ended or is old: its first line may still come.
    """
    found: list[Part] = []
    over: list[Connection] = []
    for connection in table if before_us == EVER_US else table.due(now_us):
        silent = not (connection.requests or connection.closed or connection.is_inherited)
        is_old = connection.end_us > 0 or now_us - connection.start_us >= settings.wait_us or everything
        if connection.deltas and (connection.requests or is_old):
            found += _counted(connection, before_us)
        elif silent and is_old:
            found += _silent(connection, before_us, settings.interval_us)
        ended = 0 < connection.end_us <= now_us - settings.wait_us
        if everything or (ended and not connection.deltas and not connection.held):
            over.append(connection)
    table.forget(over)
    return found


def _counted(connection: Connection, before_us: int) -> Iterator[Part]:
    for interval in [interval for interval in connection.deltas if interval <= before_us]:
        connection.closed.add(interval)
        yield Part(connection, interval, connection.deltas.pop(interval))


def _silent(connection: Connection, before_us: int, interval_us: int) -> Iterator[Part]:
    """A connection that was never counted and never logged: it was there all the same."""
    start_us = connection.start_us // interval_us * interval_us
    if start_us <= before_us:
        connection.closed.add(start_us)
        yield Part(connection, start_us, None)
