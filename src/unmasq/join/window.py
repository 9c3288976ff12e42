"""The waiting room: lines and connections meet here, in whichever order they come.

Time is an argument of every method. What leaves the room by `close` becomes flows for good; `open` shows the same lines
before their time, for answers marked provisional.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from unmasq.base.telemetry import Counters
from unmasq.join.connections import Connections
from unmasq.join.late import Late
from unmasq.join.lines import JoinedLines, are_partial, from_batch, with_intervals
from unmasq.join.matching import match, match_partial
from unmasq.join.parts import EVER_US, parts
from unmasq.join.room import Room, Stay
from unmasq.join.settings import WindowSettings
from unmasq.join.shares import Shares
from unmasq.join.table import ConnectionTable
from unmasq.join.waiting import Waiting, WaitingLines
from unmasq.model.connection import ConnectionBatch
from unmasq.model.groups import distinct
from unmasq.model.ingress import IngressBatch

LOOK_US = 1_000_000
"""How often the room is looked through for what is complete."""


@dataclass(frozen=True)
class Closed:
    """What becomes flows: lines with their intervals, the parts of connections, and the lines that give no flow at all."""

    lines: JoinedLines
    parts: Shares
    dropped: JoinedLines
    connections: Connections
    """Those that the lines and parts name."""


NOTHING = Closed(JoinedLines.empty(), Shares.empty(), JoinedLines.empty(), Connections.empty())


class Window:
    """Both sides of the join. `witnessed` says whether a kernel is watched at all (since `began_us`): without one no line waits."""

    def __init__(self, settings: WindowSettings, counters: Counters, *, witnessed: bool, began_us: int = 0) -> None:
        self._settings, self._counters, self._witnessed = settings, counters, witnessed
        self.table = ConnectionTable(settings, counters, began_us)
        self._waiting = WaitingLines()
        self._joined, self._dropped = Room(), Room()
        self._late, self._looked_us = Late(settings.most_lines), -EVER_US

    def __len__(self) -> int:
        return self._undecided() + len(self._dropped)

    def _undecided(self) -> int:
        return len(self._waiting) + len(self._joined)

    @property
    def lines(self) -> Sequence[JoinedLines]:
        """All lines in the room, for whoever renumbers their texts."""
        return [*self._waiting.batches, *(stay.lines for room in (self._joined, self._dropped) for stay in room.stays)]

    def renumber(self, lines: Iterable[JoinedLines]) -> None:
        """Put back what `lines` gave, in its order, with other text numbers."""
        replaced = iter(lines)
        self._waiting.replace(replaced)
        self._joined.replace(replaced)
        self._dropped.replace(replaced)

    def add_lines(self, batch: IngressBatch, file: int, now_us: int) -> None:
        """Lines that were just read; those that name their own connection join it at once, those that name nobody give no flow."""
        lines = from_batch(batch, file, now_us)
        none = (lines.reject > 0) & ((lines.source_hi | lines.source_lo) == 0) & (lines.headers == 0)
        if none.any():
            self._dropped.add(lines.take(none))
            lines = lines.take(~none)
        if self._witnessed:
            self._match(self._without_partial(lines))
            self._bound()
        else:
            self._join(lines)

    def _without_partial(self, lines: JoinedLines) -> JoinedLines:
        """The lines that name both ends. The others wait until the kernel has been heard once more.

        It may not have told yet of the connection that is theirs, while one of the same source to another listener is known.
        """
        partial = are_partial(lines)
        if not partial.any():
            return lines
        self._counters.add("lines_partial", int(partial.sum()))
        self._waiting.add(Waiting(lines.take(partial), frozenset(), is_partial=True, is_new=True))
        return lines.take(~partial)

    def add_connections(self, batch: ConnectionBatch, dump_began_us: int | None = None) -> None:
        """What the kernel said; lines that waited for one of these connections join it. A whole dump says when it began."""
        begun = self.table.apply(batch)
        if dump_began_us is not None:
            self.table.dumped(dump_began_us)
        if len(self._waiting):
            new = self.table.keys_of(begun)
            self._match_again(self._waiting.take(lambda room: room.is_new or not room.keys.isdisjoint(new)))

    def _match_again(self, rooms: Iterable[Waiting]) -> None:
        for room in rooms:
            self._match(room.lines, is_partial=room.is_partial)

    def _match(self, lines: JoinedLines, *, is_partial: bool = False) -> None:
        """Lines with a connection join it, lines that may still find theirs wait, the others go without."""
        found = match_partial(lines, self.table, self._settings.wait_us) if is_partial else match(lines, self.table)
        lines = JoinedLines(**lines.as_dict() | {"connection": found.serials, "time_us": found.times})
        for reason, count in found.refused.items():
            self._counters.add("window_gave_up_lines", count, reason)
        if found.missing:
            self._waiting.add(Waiting(lines.take(found.waits), found.missing, is_partial))
            lines = lines.take(~found.waits)
        self._join(lines)

    def _join(self, lines: JoinedLines) -> None:
        self._joined.add(with_intervals(lines, self._settings.interval_us))

    def _bound(self) -> None:
        """Too many lines wait: give up on the oldest, as lines without a connection."""
        if len(self._waiting) > self._settings.most_lines:
            self._match_again(self._waiting.take(lambda room: room.is_new))
        while len(self._waiting) > self._settings.most_lines:
            self._give_up_oldest()

    def _give_up_oldest(self) -> None:
        """The lines that have waited for the longest time, if there are any, become lines without a connection."""
        if len(self._waiting):
            given_up = self._waiting.take_oldest().lines
            self._counters.add("window_gave_up_lines", len(given_up), "full")
            self._join(given_up)

    def close(self, now_us: int, *, everything: bool = False, is_heavy: bool = False) -> Closed:
        """Take out what is complete at `now_us`: old intervals, lines that waited long enough, connections without a line.

        Looks at most once a second, unless there is too much here, or `everything` is to go. Of too much some of the oldest leaves:
        a closing of all would take as much memory again, and what shows the others to questions is kept.
        Lines that give no flow have nothing to wait for: many of them make nobody else leave early.
        """
        is_full = self._excess(is_heavy=is_heavy)[0] > 0 or len(self) > self._settings.most_lines
        if not (everything or is_full or abs(now_us - self._looked_us) >= LOOK_US):
            return NOTHING
        self._looked_us = now_us
        self._give_up(now_us, everything=everything)
        if is_heavy and not len(self._joined):
            self._give_up_oldest()
        before_us = EVER_US if everything else now_us - self._settings.linger_us - self._settings.interval_us
        lines = self._joined.take(before_us)
        if is_full and not everything:
            lines = JoinedLines.concat([lines, self._take_early(is_heavy=is_heavy)])
        joined = lines.connection > 0
        self.table.released(lines.connection[joined], lines.interval_us[joined])
        early = lines.connection[joined & (lines.interval_us > before_us)]
        known, found = self.table.rows, parts(self.table, self._settings, now_us, before_us, early, everything=everything)
        named = distinct(np.concatenate([lines.connection[joined], found.serial]))
        return Closed(self._late.flagged(lines), found, self._dropped.take(EVER_US), known.take(known.rows_of(named)))

    def _take_early(self, *, is_heavy: bool) -> JoinedLines:
        """Some of what is too much, though the intervals of these lines are not over."""
        lines, reason = self._excess(is_heavy=is_heavy)
        early = self._joined.take_oldest(lines)
        if reason == "connections":
            early = self._of_ended(early)
        self._counters.add("window_closed_early", len(early), reason)
        return early

    def _of_ended(self, lines: JoinedLines) -> JoinedLines:
        """Those of connections that ended: a flow of one that goes on would be torn, for which its lines stay.

        Are these the most of them, none stays, so that room is made at any rate.
        """
        lasts = self.table.are_open(lines.connection)
        if 2 * int(lasts.sum()) > len(lines):
            return lines
        self._joined.add(lines.take(lasts))
        return lines.take(~lasts)

    def _excess(self, *, is_heavy: bool) -> tuple[int, str]:
        """How many lines are too many, and why."""
        if is_heavy:
            return len(self._joined) // 2 + 1, "texts"
        if self._undecided() > self._settings.most_lines:
            return self._undecided() - self._settings.most_lines * 3 // 4, "lines"
        is_crowded = len(self._joined) > self._settings.most_open and self.table.held() > self._settings.most_open
        return (self._settings.early_lines, "connections") if is_crowded else (0, "")

    @property
    def stays(self) -> list[Stay]:
        """The lines that need not wait for a connection any more."""
        return self._joined.stays

    def open(self, stays: Iterable[Stay]) -> Closed:
        """Some of these lines as they would become flows now, without taking them out."""
        return self._open([stay.lines for stay in stays])

    def open_and_waiting(self, stays: Iterable[Stay]) -> Closed:
        """The same, and all lines that wait for a connection."""
        waiting = with_intervals(JoinedLines.concat(self._waiting.batches), self._settings.interval_us)
        return self._open([*(stay.lines for stay in stays), waiting])

    def _open(self, batches: Sequence[JoinedLines]) -> Closed:
        lines = JoinedLines.concat(batches)
        return Closed(lines, Shares.empty(), JoinedLines.empty(), self.table.named(lines.connection))

    def _give_up(self, now_us: int, *, everything: bool) -> None:
        """Lines that waited too long become lines without a connection."""
        patient_us = EVER_US if everything else now_us - self._settings.wait_us
        self._match_again(self._waiting.take(lambda room: room.is_new and room.since_us <= patient_us))
        for room in self._waiting.take(lambda room: room.since_us <= patient_us):
            self._join(room.lines)
