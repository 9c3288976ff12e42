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
from unmasq.join.parts import EVER_US, Part, parts
from unmasq.join.settings import WindowSettings
from unmasq.join.table import ConnectionTable, Key
from unmasq.model.columns import Array
from unmasq.model.connection import ConnectionBatch
from unmasq.model.flowbatch import Flag
from unmasq.model.ingress import IngressBatch

LOOK_US = 1_000_000
"""How often the room is looked through for what is complete."""


@dataclass(frozen=True)
class Closed:
    """What becomes flows: lines with their intervals, the parts of connections, and the lines that give no flow at all."""

    lines: JoinedLines
    parts: list[Part]
    dropped: JoinedLines


NOTHING = Closed(JoinedLines.empty(), [], JoinedLines.empty())


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
        self._looked_us = -EVER_US

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
        """Take out what is complete at `now_us`: old intervals, lines that waited long enough, connections without a line.

        Looks at most once a second, unless there are too many lines or `everything` is to go.
        """
        crowded = len(self) > self._settings.most_lines
        if not (everything or crowded or abs(now_us - self._looked_us) >= LOOK_US):
            return NOTHING
        self._looked_us = now_us
        self._give_up(now_us, everything=everything)
        before_us = EVER_US if everything or crowded else now_us - self._settings.linger_us - self._settings.interval_us
        lines = self._take_before(before_us)
        self._note_closed(lines)
        ended = parts(self.table, self._settings, now_us, before_us, everything=everything)
        dropped, self._dropped = JoinedLines.concat(self._dropped), []
        return Closed(self._flag_late(lines), ended, dropped)

    def _take_before(self, before_us: int) -> JoinedLines:
        """The joined lines of all intervals that began then or before."""
        taken: list[JoinedLines] = []
        kept: list[JoinedLines] = []
        for lines in self._joined:
            ready = lines.interval_us <= before_us
            if ready.any():
                taken.append(lines if ready.all() else lines.take(ready))
                _append(kept, lines.take(~ready))
            else:
                kept.append(lines)
        self._joined = kept
        return JoinedLines.concat(taken)

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
        patient_us = EVER_US if everything else now_us - self._settings.wait_us
        impatient = [lines for lines in self._waiting if int(lines.arrived_us[0]) <= patient_us]
        if impatient:
            self._waiting = [lines for lines in self._waiting if int(lines.arrived_us[0]) > patient_us]
            self._joined += [with_intervals(lines, self._settings.interval_us) for lines in impatient]
            self._waiting_keys = {key for lines in self._waiting for key in _keys(lines)}

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
