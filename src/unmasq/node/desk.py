"""What the pipeline holds between reading and handing on: the reader, the waiting room, and what other nodes wait for."""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import replace

import numpy as np

from unmasq.base.telemetry import Counters
from unmasq.join.groups import Groups
from unmasq.join.lines import TEXT_COLUMNS, JoinedLines
from unmasq.join.outgoing import Outgoing
from unmasq.join.room import Stay
from unmasq.join.settings import WindowSettings
from unmasq.join.slices import sliced
from unmasq.join.table import ConnectionTable
from unmasq.join.window import Closed, Window
from unmasq.model.columns import Array
from unmasq.model.connection import ConnectionBatch
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.ingress import Chunk, IngressBatch, Reject, unmarked
from unmasq.model.openpart import OpenPart
from unmasq.node.covered import Files
from unmasq.node.flows import Surroundings, flow_batch
from unmasq.node.foreign import as_claims, foreign
from unmasq.node.shapes import ShapesSeen
from unmasq.node.tally import tally
from unmasq.read.formats.lines import LineReader
from unmasq.read.formats.proxies import FormatName
from unmasq.read.lines import line_bounds

GATHER_LINES = 200_000
"""Lines gathered before flows of a backlog are closed: large batches make cheap inserts."""
_MANY_TEXTS = 1 << 19
"""Texts that are known before those are forgotten that no line uses."""
_MOST_SIZE = 16 << 20
"""Characters of all known texts before the same; half of it may be in use."""
_SAMPLE_BYTES = 400


class Desk:
    """Lines and connections in, flow batches out. Knows the time only from its callers."""

    def __init__(
        self,
        settings: WindowSettings,
        counters: Counters,
        around: Callable[[], Surroundings],
        *,
        witnessed: bool,
        began_us: int,
        format: FormatName = "auto",  # noqa: A002  # as the flag
    ) -> None:
        self._settings, self._counters, self._around, self._witnessed = settings, counters, around, witnessed
        self._reader = LineReader.of(format)
        self._shapes = ShapesSeen(counters)
        self._window = Window(settings, counters, witnessed=witnessed, began_us=began_us)
        self._outgoing, self._groups = Outgoing(counters), Groups(settings.pictured_lines)
        self._files = Files()
        self._samples: dict[int, str] = {}
        self._most_texts = _MANY_TEXTS

    def __len__(self) -> int:
        return len(self._window)

    @property
    def connections(self) -> ConnectionTable:
        """The connections that are known now."""
        return self._window.table

    def take_lines(self, chunk: Chunk, now_us: int) -> IngressBatch:
        """Read a chunk and let its lines wait for their connections."""
        lines = self.read(chunk, now_us)
        self.admit(lines, chunk, now_us)
        return lines

    def read(self, chunk: Chunk, now_us: int) -> IngressBatch:
        """The lines of a chunk; nobody sees them yet, so that others may ask meanwhile: some lines take long to read."""
        lines = self._reader.read(chunk, now_us)
        others = foreign(lines, chunk)
        if others.any():
            self._counters.add("lines_foreign", int(others.sum()))
            lines = as_claims(lines, others, chunk.pod, self._reader.vocabulary)
        return lines

    def admit(self, lines: IngressBatch, chunk: Chunk, now_us: int) -> None:
        """Let the lines of a chunk wait for their connections."""
        self._count(lines, chunk)
        file = self._files.number(chunk.file)
        if chunk.frames is not None:
            self._files.note(file, chunk.frames)
        self._window.add_lines(lines, file, now_us)

    def take_connections(self, connections: ConnectionBatch, dump_began_us: int | None = None) -> None:
        """Let connections meet the lines that wait for them. A whole dump says when it began."""
        self._counters.add("connections_seen", len(connections))
        self._window.add_connections(connections, dump_began_us)

    def take_passing(self, connections: ConnectionBatch, dump_began_us: int | None = None) -> None:
        """Note connections to listeners elsewhere, for the flows of other nodes. A whole dump says when it began."""
        self._outgoing.take(connections, dump_began_us)

    def close(self, now_us: int, *, everything: bool = False) -> list[FlowBatch]:
        """The flows that are complete, with their lines, and what other nodes' flows need."""
        closed = self._window.close(now_us, everything=everything, is_heavy=self._is_heavy())
        told = self._outgoing.due(now_us, everything=everything)
        if not (len(closed.lines) or closed.parts or len(closed.dropped) or told):
            return []
        first, *others = [self._batch(each) for each in sliced(closed)]
        batches = [replace(first, translations=told), *others]
        for lines in (closed.lines, closed.dropped):
            self._files.forget(lines)
        for batch in batches:
            tally(batch, self._around().trust, self._counters)
        self._tidy()
        self._files.tidy(self._window.lines)
        return batches

    def open(self, known: Collection[Hashable] = ()) -> list[OpenPart]:
        """The flows of all lines that are here now; they will be handed on later. Of the `known` parts only the serials.

        One with very many lines stands in several parts as if it were as many flows.
        """
        groups, rest = self._groups.of(self._window.stays, self._around().trust.version)
        settled = [OpenPart(group.serial, self._picture(known, group.serial, stays)) for group, stays in groups]
        newest = self._window.open_and_waiting(rest)
        if not len(newest.lines):
            return settled
        return [*settled, OpenPart(self._groups.next_serial(), self._batch(newest, provisional=self._witnessed))]

    def _picture(self, known: Collection[Hashable], serial: int, stays: Sequence[Stay]) -> FlowBatch | None:
        return None if serial in known else self._batch(self._window.open(stays), provisional=self._witnessed)

    def _batch(self, closed: Closed, *, provisional: bool = False) -> FlowBatch:
        vocabulary, interval_us = self._reader.vocabulary, self._settings.interval_us
        return flow_batch(closed, vocabulary, self._files, self._samples, self._around(), interval_us, provisional=provisional)

    def _count(self, lines: IngressBatch, chunk: Chunk) -> None:
        """Count lines and rejects, and keep one line of each reason."""
        self._counters.add("lines_read", len(lines))
        self._counters.add("lines_unmarked", int(unmarked(lines).sum()))
        for (name, reason), count in self._reader.counts().items():
            self._counters.add(name, count, reason)
        self._shapes.note(lines, chunk)
        if not lines.reject.any():
            return
        starts = lines.start - chunk.start if chunk.frames is None else line_bounds(chunk.data)[0]
        for why, count in enumerate(np.bincount(lines.reject).tolist()):
            if why and count:
                self._counters.add("lines_rejected", count, Reject(why).label or "")
                start = int(starts[np.argmax(lines.reject == why)])
                self._samples[why] = chunk.data[start : start + _SAMPLE_BYTES].split(b"\n")[0].decode("utf-8", "backslashreplace")

    def _is_heavy(self) -> bool:
        """Whether the texts of the lines in the room take too much: clients choose how long these are."""
        if self._reader.vocabulary.size < _MOST_SIZE:
            return False
        self._tidy()
        return self._reader.vocabulary.size > _MOST_SIZE // 2

    def _tidy(self) -> None:
        """Forget texts that no line in the room uses any more, once there are many or long ones."""
        if len(self._reader.vocabulary) < self._most_texts and self._reader.vocabulary.size < _MOST_SIZE:
            return
        held = self._window.lines
        used = np.unique(np.concatenate([np.zeros(1, "u4"), *(getattr(lines, name) for lines in held for name in TEXT_COLUMNS)]))
        mapping = self._reader.compact(used)
        self._window.renumber([_renumbered(lines, mapping) for lines in held])
        self._most_texts = max(_MANY_TEXTS, 2 * len(self._reader.vocabulary))


def _renumbered(lines: JoinedLines, mapping: Array) -> JoinedLines:
    return JoinedLines(**lines.as_dict() | {name: mapping[getattr(lines, name)] for name in TEXT_COLUMNS})
