"""Whole lines of a log to one IngressBatch: a row for every line, blank and rejected ones too."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Self

import numpy as np

from unmasq.model.columns import Array
from unmasq.model.ingress import Chunk, Frames, IngressBatch, Reject, Shape, TimeSource
from unmasq.model.native import NATIVE, Native
from unmasq.model.vocabulary import Vocabulary
from unmasq.read.formats.convert import FUTURE_US, Converter, Kind
from unmasq.read.formats.layout import Layout, learn
from unmasq.read.formats.proxies import CAPTURING, EVERY_SHAPE, FormatName, shapes_of
from unmasq.read.formats.record import KEYS, Record, read_record
from unmasq.read.formats.values import Listed
from unmasq.read.lines import line_bounds

_SAMPLE_LINES = 8
_SAMPLE_BYTES = 1 << 16
_LONGEST_PAUSE = 63  # chunks
_OF_TEXT = (Shape.MARKER, Shape.COMBINED, Shape.UPSTREAMINFO)
_OF_NOBODY = (Reject.NO_FRAME, Reject.ERROR_STREAM)


class LineReader:
    """Reads chunks of lines of the given shapes. Keeps the vocabulary and the layout it met last."""

    def __init__(self, native: Native | None = NATIVE, shapes: Collection[Shape] = EVERY_SHAPE, *, captures: bool = False) -> None:
        self.vocabulary = Vocabulary(native)
        self._native, self._shapes, self._captures = native, shapes, captures
        self._convert = Converter(self.vocabulary)
        self._layout: Layout | None = None
        self._pause = self._pauses_left = 0

    @classmethod
    def of(cls, proxy: FormatName) -> Self:
        """A reader of the lines of one proxy alone, or of all ("auto")."""
        return cls(shapes=shapes_of(proxy), captures=proxy in CAPTURING)

    def read(self, chunk: Chunk, read_us: int) -> IngressBatch:
        """The lines of a chunk; `read_us` is the time of reading, for lines without one of their own."""
        starts, ends = line_bounds(chunk.data)
        if not len(starts):
            return IngressBatch.empty()
        batch = self._rows(chunk.data, starts, ends, live=chunk.live, read_us=read_us)
        batch = replace(batch, pod=np.full(len(batch), self.vocabulary.number(chunk.pod), "u4"))
        if chunk.frames is not None:
            reject = self._passed_over(batch, chunk.frames)
            return _placed(self._timed(batch, chunk.frames, read_us), chunk.frames.start, chunk.frames.end, reject)
        reject = np.full(len(starts), Reject.NONE, "u1")
        if chunk.skipped:
            reject[-1] = Reject.TOO_LONG
        ends[-1] += chunk.skipped
        return _placed(batch, starts + chunk.start, ends + chunk.start, reject)

    def counts(self) -> dict[tuple[str, str], int]:
        """What was odd about lines since the last call: counter and reason -> lines, as `Converter.counts`."""
        counts, self._convert.counts = dict(self._convert.counts), Counter()
        return counts

    def compact(self, used: Array) -> Array:
        """Forget all texts but the used ones; returns old number -> new number. Batches read before must be renumbered."""
        mapping = self.vocabulary.compact(used)
        self._convert.forget()
        return mapping

    def _rows(self, data: bytes, starts: Array, ends: Array, *, live: bool, read_us: int) -> IngressBatch:
        layout = self._layout_for(data)
        if layout is None:
            return self._plain(data.removesuffix(b"\n").split(b"\n"), live=live, read_us=read_us)
        odd, columns = layout.columns(data, starts, self._native)
        known = {key: values for key, values in columns.items() if key in KEYS}
        batch = self._convert(known, len(odd) - int(odd.sum()), Kind(Reject.NONE, layout.shape), live=live, read_us=read_us)
        if not odd.any():
            return batch
        lines = [data[start:end].removesuffix(b"\n") for start, end in zip(starts[odd].tolist(), ends[odd].tolist(), strict=True)]
        rest = self._plain(lines, live=live, read_us=read_us)
        return IngressBatch.concat([batch, rest]).take(np.where(odd, np.cumsum(odd) - 1 + len(batch), np.cumsum(~odd) - 1))

    def _passed_over(self, batch: IngressBatch, frames: Frames) -> Array:
        """Why lines are rejected for the frames that they stood in.

        An error log escapes nothing: whoever asks for a path with a newline writes a line of any text into it, an object too. So stderr
        is read only where all lines are of a proxy that logs objects and nothing else, whose values are escaped.
        """
        is_line = frames.is_error & (batch.shape != Shape.NONE) & any(shape in self._shapes for shape in _OF_TEXT)
        return np.where(is_line, np.uint8(Reject.ERROR_STREAM), frames.reject)

    def _timed(self, batch: IngressBatch, frames: Frames, read_us: int) -> IngressBatch:
        """The lines with the time of their frame where they name none themselves."""
        nameless = (batch.time_source != TimeSource.LINE) & (frames.time_us > 0)
        future = nameless & (frames.time_us > read_us + FUTURE_US)
        self._convert.count("lines_time_replaced", "future", int(future.sum()))
        told = nameless & ~future
        times = np.where(told, frames.time_us, batch.time_us)
        return replace(batch, time_us=times, time_source=np.where(told, np.uint8(TimeSource.LOG), batch.time_source))

    def _layout_for(self, data: bytes) -> Layout | None:
        """The layout of the first of a few lines that has one; the one met last as long as it takes any of them.

        A log may have none. Looking for it costs as much as reading many lines, so that is done ever more rarely.
        """
        sample = data[:_SAMPLE_BYTES].split(b"\n")[:_SAMPLE_LINES]
        if self._layout is not None and any(map(self._layout.takes, sample)):
            return self._layout
        if self._pauses_left:
            self._pauses_left -= 1
            return self._layout
        learned = next(filter(None, (learn(line, captures=self._captures) for line in sample if not self._read(line).reject)), None)
        self._pause = self._pauses_left = 0 if learned else min(2 * self._pause + 1, _LONGEST_PAUSE)
        self._layout = learned or self._layout
        return self._layout

    def _plain(self, lines: Sequence[bytes], *, live: bool, read_us: int) -> IngressBatch:
        """Line by line: the rule itself, and the path of every line that is odd."""
        groups: dict[tuple[Kind, tuple[str, ...]], list[int]] = defaultdict(list)
        records = [self._read(line) for line in lines]
        for row, (fields, reject, shape) in enumerate(records):
            groups[Kind(reject, shape), tuple(sorted(fields))].append(row)
        parts = []
        for (kind, keys), rows in groups.items():
            values = {key: Listed([records[row].fields[key] for row in rows]) for key in keys}
            parts.append(self._convert(values, len(rows), kind, live=live, read_us=read_us))
        order = np.concatenate([np.array(rows) for rows in groups.values()])
        return IngressBatch.concat(parts).take(np.argsort(order, kind="stable"))

    def _read(self, line: bytes) -> Record:
        """What a line says, if it has one of our shapes."""
        record = read_record(line, captures=self._captures)
        return record if not record.shape or record.shape in self._shapes else Record({}, Reject.OTHER_FORMAT, record.shape)


def _placed(batch: IngressBatch, starts: Array, ends: Array, reject: Array) -> IngressBatch:
    """The lines where they stood. Of those that are rejected for how they stood there, a cut one may still name its source."""
    columns = batch.as_dict() | {"start": starts, "end": ends}
    if reject.any():
        columns["reject"] = np.where(reject > 0, reject, columns["reject"]).astype("u1")
        columns["headers"] = np.where(reject > 0, np.uint32(0), columns["headers"])
        for name in ("source_hi", "source_lo"):
            columns[name] = np.where(np.isin(reject, _OF_NOBODY), np.uint64(0), columns[name])
    return IngressBatch(**columns)
