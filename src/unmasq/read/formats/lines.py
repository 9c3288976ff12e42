"""Whole lines of a log to one IngressBatch: a row for every line, blank and rejected ones too."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from unmasq.model.columns import Array
from unmasq.model.ingress import Chunk, IngressBatch, Reject
from unmasq.model.native import NATIVE, Native
from unmasq.model.vocabulary import Vocabulary
from unmasq.read.formats.convert import Converter
from unmasq.read.formats.layout import Layout, learn
from unmasq.read.formats.record import KEYS, Record, read_record
from unmasq.read.formats.values import Listed

_SAMPLE_LINES = 8
_SAMPLE_BYTES = 1 << 16
_LONGEST_PAUSE = 63  # chunks


class LineReader:
    """Reads chunks of marker, `combined` and `upstreaminfo` lines. Keeps the vocabulary and the layout it met last."""

    def __init__(self, native: Native | None = NATIVE) -> None:
        self.vocabulary = Vocabulary()
        self._native = native
        self._convert = Converter(self.vocabulary)
        self._layout: Layout | None = None
        self._pause = self._pauses_left = 0

    def read(self, chunk: Chunk, read_us: int) -> IngressBatch:
        """The lines of a chunk; `read_us` is the time of reading, for lines without one of their own."""
        starts, ends = line_bounds(chunk.data)
        if not len(starts):
            return IngressBatch.empty()
        batch = self._rows(chunk.data, starts, ends, live=chunk.live, read_us=read_us)
        too_long = np.zeros(len(starts), "?")
        too_long[-1] = chunk.skipped > 0
        ends[-1] += chunk.skipped
        return _placed(batch, starts + chunk.start, ends + chunk.start, too_long)

    def replaced_times(self) -> dict[str, int]:
        """How many lines since the last call named a time that cannot be, by reason; they got the time of reading."""
        counts, self._convert.replaced_times = dict(self._convert.replaced_times), Counter()
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
        batch = self._convert(known, len(odd) - int(odd.sum()), Reject.NONE, live=live, read_us=read_us)
        if not odd.any():
            return batch
        lines = [data[start:end].removesuffix(b"\n") for start, end in zip(starts[odd].tolist(), ends[odd].tolist(), strict=True)]
        rest = self._plain(lines, live=live, read_us=read_us)
        return IngressBatch.concat([batch, rest]).take(np.argsort(np.argsort(odd, kind="stable"), kind="stable"))

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
        learned = next(filter(None, (learn(line) for line in sample if not read_record(line).reject)), None)
        self._pause = self._pauses_left = 0 if learned else min(2 * self._pause + 1, _LONGEST_PAUSE)
        self._layout = learned or self._layout
        return self._layout

    def _plain(self, lines: Sequence[bytes], *, live: bool, read_us: int) -> IngressBatch:
        """Line by line: the rule itself, and the path of every line that is odd."""
        groups: dict[tuple[Reject, tuple[str, ...]], list[int]] = defaultdict(list)
        records: list[Record] = []
        for row, line in enumerate(lines):
            record = read_record(line)
            records.append(record)
            groups[record.reject, tuple(sorted(record.fields))].append(row)
        parts = []
        for (reject, keys), rows in groups.items():
            values = {key: Listed([records[row].fields[key] for row in rows]) for key in keys}
            parts.append(self._convert(values, len(rows), reject, live=live, read_us=read_us))
        order = np.concatenate([np.array(rows) for rows in groups.values()])
        return IngressBatch.concat(parts).take(np.argsort(order, kind="stable"))


def line_bounds(data: bytes) -> tuple[Array, Array]:
    """Offsets of each line's first byte and behind its newline; a last line without newline counts."""
    ends = np.flatnonzero(np.frombuffer(data, "u1") == ord("\n")) + 1
    if len(data) and not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    return np.concatenate([np.zeros(1, "i8"), ends[:-1]])[: len(ends)], ends


def _placed(batch: IngressBatch, starts: Array, ends: Array, too_long: Array) -> IngressBatch:
    columns = batch.as_dict() | {"start": starts, "end": ends}
    if too_long.any():
        columns["reject"] = np.where(too_long, np.uint8(Reject.TOO_LONG), columns["reject"])
        columns["headers"] = np.where(too_long, np.uint32(0), columns["headers"])
    return IngressBatch(**columns)
