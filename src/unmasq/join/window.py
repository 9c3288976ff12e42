"""The waiting room: lines and connections meet here, in whichever order they come.

Time is an argument of every method. What leaves the room by `close` becomes flows for good; `open` shows the same lines
before their time, for answers marked provisional.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from unmasq.base.telemetry import Counters
from unmasq.join.keys import mixed
from unmasq.join.lines import JoinedLines, from_batch, is_exact, with_intervals
from unmasq.join.settings import WindowSettings
from unmasq.join.table import Connection, ConnectionTable, Key
from unmasq.model.columns import Array
from unmasq.model.connection import ConnectionBatch
from unmasq.model.flowbatch import Flag
from unmasq.model.ingress import IngressBatch


@dataclass(frozen=True)
class Part:
    """A connection's share in one interval: what the kernel counted there, and whether any line names it."""

    connection: Connection
    interval_us: int
    counts: tuple[int, int, int, int] | None


@dataclass(frozen=True)
class Closed:
    """What becomes flows: lines with their intervals, the parts of connections, and the lines that give no flow at all."""

    lines: JoinedLines
    parts: list[Part]
    dropped: JoinedLines


class Window:
    """Both sides of the join. `witnessed` says whether a kernel is watched at all (since `began_us`): without one no line waits."""

    def __init__(self, settings: WindowSettings, counters: Counters, *, witnessed: bool, began_us: int = 0) -> None:
        self._settings, self._counters, self._witnessed = settings, counters, witnessed
        self.table = ConnectionTable(settings, counters, began_us)
        self._waiting: list[JoinedLines] = []
        self._joined: list[JoinedLines] = []
        self._dropped: list[JoinedLines] = []
        self._waiting_keys: set[Key] = set()
        self._closed_keys = np.zeros(0, "u8")

    def __len__(self) -> int:
        return sum(map(len, self._waiting)) + sum(map(len, self._joined))

    @property
    def lines(self) -> Sequence[JoinedLines]:
        """All lines in the room, for whoever renumbers their texts."""
        return [*self._waiting, *self._joined, *self._dropped]

    def renumber(self, lines: Iterable[JoinedLines]) -> None:
        """Put back what `lines` gave, in its order, with other text numbers."""
        replaced = iter(lines)
        for room in (self._waiting, self._joined, self._dropped):
            room[:] = [next(replaced) for _ in room]

    def add_lines(self, batch: IngressBatch, file: int, now_us: int) -> None:
        """Lines that were just read; those that name their own connection join it at once, those that name nobody give no flow."""
        lines = from_batch(batch, file, now_us)
        none = (lines.reject > 0) & ((lines.source_hi | lines.source_lo) == 0) & (lines.headers == 0)
        if none.any():
            self._dropped.append(lines.take(none))
            lines = lines.take(~none)
        self._match(lines)
        self._bound()

    def add_connections(self, batch: ConnectionBatch, dump_began_us: int | None = None) -> None:
        """What the kernel said; lines that waited for one of these connections join it. A whole dump says when it began."""
        new = self.table.apply(batch)
        if dump_began_us is not None:
            self.table.dumped(dump_began_us)
        if not self._waiting_keys.isdisjoint(new):
            waiting, self._waiting, self._waiting_keys = self._waiting, [], set()
            for lines in waiting:
                self._match(lines)

    def _match(self, lines: JoinedLines) -> None:
        if not self._witnessed:
            _append(self._joined, with_intervals(lines, self._settings.interval_us))
            return
        can_wait = (lines.source_port > 0) & ((lines.source_hi | lines.source_lo) > 0)
        serials = np.zeros(len(lines), "i8")
        times = lines.time_us.copy()
        keys = _keys(lines)
        for row in np.flatnonzero(can_wait).tolist():
            exact = is_exact(int(lines.time_source[row]))
            found = self.table.find(keys[row], int(times[row]), int(lines.opened_us[row]), exact_time=exact)
            if found:
                serials[row] = found.serial
                found.requests += 1
                if found.end_us and not exact:
                    times[row] = min(times[row], found.end_us)
            else:
                self._waiting_keys.add(keys[row])
        lines = JoinedLines(**lines.as_dict() | {"connection": serials, "time_us": times})
        waits = can_wait & (serials == 0)
        _append(self._waiting, lines.take(waits))
        _append(self._joined, with_intervals(lines.take(~waits), self._settings.interval_us))

    def _bound(self) -> None:
        """Too many lines wait: give up on the oldest, as lines without a connection."""
        while sum(map(len, self._waiting)) > self._settings.most_lines:
            given_up = self._waiting.pop(0)
            self._counters.add("window_gave_up_lines", len(given_up), "full")
            self._joined.append(with_intervals(given_up, self._settings.interval_us))

    def close(self, now_us: int, *, everything: bool = False) -> Closed:
        """Take out what is complete at `now_us`: old intervals, lines that waited long enough, connections without a line."""
        self._give_up(now_us, everything=everything)
        before_us = (1 << 62) if everything else now_us - self._settings.linger_us - self._settings.interval_us
        if len(self) > self._settings.most_lines:
            before_us = 1 << 62
        lines = JoinedLines.concat(self._joined)
        ready = lines.interval_us <= before_us
        self._joined = [lines.take(~ready)] if not ready.all() else []
        lines = lines.take(ready)
        self._note_closed(lines)
        parts = [*self._parts(now_us, before_us, everything=everything)]
        dropped, self._dropped = JoinedLines.concat(self._dropped), []
        return Closed(self._flag_late(lines), parts, dropped)

    def _note_closed(self, lines: JoinedLines) -> None:
        """Tell connections which of their intervals are closed, so that later counts go to a later one."""
        witnessed = lines.take(lines.connection > 0)
        for serial, interval in set(zip(witnessed.connection.tolist(), witnessed.interval_us.tolist(), strict=True)):
            if serial in self.table.by_serial:
                self.table.by_serial[serial].closed.add(interval)

    def open(self) -> Closed:
        """All lines in the room as they would become flows now, without taking them out."""
        waiting = with_intervals(JoinedLines.concat(self._waiting), self._settings.interval_us)
        return Closed(JoinedLines.concat([*self._joined, waiting]), [], JoinedLines.empty())

    def _give_up(self, now_us: int, *, everything: bool) -> None:
        """Lines that waited too long become lines without a connection."""
        kept: list[JoinedLines] = []
        for lines in self._waiting:
            old = (lines.arrived_us + self._settings.wait_us <= now_us) | everything
            _append(self._joined, with_intervals(lines.take(old), self._settings.interval_us))
            _append(kept, lines.take(~old))
        self._waiting = kept
        self._waiting_keys = {key for lines in kept for key in _keys(lines)}

    def _parts(self, now_us: int, before_us: int, *, everything: bool) -> Iterable[Part]:
        """Connections with something to tell about closed intervals; those that are over leave the table."""
        over = []
        for connection in self.table:
            old = connection.end_us > 0 or now_us - connection.start_us >= self._settings.wait_us or everything
            if connection.requests or old:
                ready = [interval for interval in connection.deltas if interval <= before_us]
                yield from (Part(connection, interval, connection.deltas.pop(interval)) for interval in ready)
                start = connection.start_us // self._settings.interval_us * self._settings.interval_us
                if not (connection.requests or ready or connection.closed or connection.is_inherited) and start <= before_us:
                    yield Part(connection, start, None)
                    ready = [start]
                connection.closed.update(ready)
            if everything or (connection.end_us and now_us - connection.end_us >= self._settings.wait_us and not connection.deltas):
                over.append(connection)
        self.table.forget(over)

    def _flag_late(self, lines: JoinedLines) -> JoinedLines:
        """Mark lines whose flow was closed before they came."""
        witnessed = lines.connection > 0
        key = mixed([
            np.where(witnessed, lines.connection, 0), lines.interval_us, *(np.where(witnessed, 0, c) for c in _columns(lines)),
        ])  # fmt: skip
        late = np.isin(key, self._closed_keys)
        self._closed_keys = np.concatenate([self._closed_keys, np.unique(key[~late])])[-self._settings.most_lines :]
        return JoinedLines(**lines.as_dict() | {"flags": np.where(late, lines.flags | Flag.LATE, lines.flags).astype("u2")})


def _append(room: list[JoinedLines], lines: JoinedLines) -> None:
    if len(lines):
        room.append(lines)


def _columns(lines: JoinedLines) -> list[Array]:
    return [lines.protocol, lines.source_hi, lines.source_lo, lines.source_port, lines.dest_hi, lines.dest_lo, lines.dest_port]


def _keys(lines: JoinedLines) -> list[Key]:
    return list(zip(*(column.tolist() for column in _columns(lines)), strict=True))
