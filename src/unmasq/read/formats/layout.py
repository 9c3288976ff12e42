"""The fast path: the layout of a log's lines, learned from one line, run over many.

A template writes the same keys in the same order on every line. Once the plain reader (`payload`, `prefix`) has taken a
line, the steps of exactly these keys take all others that hold no backslash; what they take, the plain reader takes with
the same values (the property tests hold them together). Deleting this module costs only speed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unmasq.model.columns import Array
from unmasq.model.ingress import Shape
from unmasq.model.native import Native
from unmasq.read.formats.objects import OPENING as OBJECT
from unmasq.read.formats.payload import MARKERS, OPENING
from unmasq.read.formats.prefix import STEPS
from unmasq.read.formats.record import NOWHERE, is_of_haproxy
from unmasq.read.formats.steps import Step, all_but, keys_of, literal, merged, number, pattern_of, program_of, taken_by
from unmasq.read.formats.values import Listed, Spans, Values
from unmasq.read.lines import count_in, hold_twice

_KEY = re.compile(rb'([,{] ?)"([a-z_-]+)"(: ?)("?)')
_LONGEST_LAYOUT = 4096
_ODD = {"uri": b"?", "method": b"<-"}
"""Bytes at which a value ends, or its line is of another layout: of what was no request HAProxy writes <BADREQ>, nginx - or nothing."""
_REFUSED = (400, 408)
"""Statuses of lines that may not hold the whole head of their request (`record.is_half_read`)."""
_DIGIT = re.compile(rb"\d")
_BRACE = OPENING[:1]  # of a payload; one byte is found several times as fast as all of them
_MARKER = re.compile(b"|".join(re.escape(marker.rstrip()) for marker in MARKERS))
_PAYLOAD = re.compile(b"|".join(re.escape(marker + OPENING) for marker in MARKERS))


@dataclass(frozen=True)
class Layout:
    """Steps that a line is made of. A line with another marker than theirs is of another layout."""

    keys: tuple[str, ...]
    pattern: re.Pattern[bytes]
    program: bytes
    shape: Shape

    def takes(self, line: bytes) -> bool:
        """Whether the line is of this layout."""
        return taken_by(self.pattern, line) and not self._others(line, np.zeros(1, "i8"), np.ones(1, "?"), None).any()

    def columns(self, data: bytes, starts: Array, native: Native | None) -> tuple[Array, dict[str, Values]]:
        """A mask of the lines that are not of this layout, and the values of all others, key by key."""
        taken, values = self._by_pattern(data) if native is None else self._by_program(native, data, len(starts))
        others = self._others(data, starts, taken, native) | _half_read(taken, values)
        if (taken & others).any():
            rows = np.flatnonzero(~others[taken])
            values = {key: column.take(rows) for key, column in values.items()}
        return ~taken | others, values

    def _others(self, data: bytes, starts: Array, taken: Array, native: Native | None) -> Array:
        """Which taken lines hold another marker: any one where the steps have none, else a second one with a payload.

        Such a payload is the end of a value and its quote. Mostly there is no other brace than the one that the steps have.
        """
        if self.shape is not Shape.MARKER:
            return count_in(starts, [match.start() for match in _MARKER.finditer(data)]) > 0
        others = np.zeros(len(starts), "?")
        rows = np.flatnonzero(taken & hold_twice(data, _BRACE, starts, native))
        if len(rows):
            ends = np.append(starts[1:], len(data))
            bounds = zip(starts[rows].tolist(), ends[rows].tolist(), strict=True)
            others[rows] = [len(_PAYLOAD.findall(data, *bound)) > 1 for bound in bounds]
        return others

    def _by_program(self, native: Native, data: bytes, lines: int) -> tuple[Array, dict[str, Values]]:
        taken = np.zeros(lines, "?")
        spans = np.zeros((len(self.keys), 2, lines), "i4")
        count = native.match(data, self.program, taken, spans)
        spans = spans[:, :, :count]
        return taken, {key: Spans(native, data, *bounds) for key, bounds in zip(self.keys, spans, strict=True)}

    def _by_pattern(self, data: bytes) -> tuple[Array, dict[str, Values]]:
        rows: list[tuple[bytes, ...]] = self.pattern.findall(data.removesuffix(b"\n"))
        taken = np.array([bool(row[0]) for row in rows], "?")
        columns = list(zip(*(row for row in rows if row[0]), strict=True))[1:]
        return taken, dict(zip(self.keys, map(Listed, columns), strict=False))


def learn(line: bytes, *, captures: bool = False) -> Layout | None:
    """The layout of a line that the plain reader took; None where it has none that this path could take. `captures`: as it was told."""
    if line.startswith(OBJECT):
        return None
    marker = next((m for m in MARKERS if m + OPENING in line), None)
    before, _, payload = line.partition(marker) if marker else (line, b"", b"")
    is_untold = (captures or is_of_haproxy(before)) and b'"captured"' not in payload
    if len(line) > _LONGEST_LAYOUT or is_untold:
        return None
    marked = [literal(marker), *_payload_steps(payload)] if marker else []
    for shape, prefix in _prefixes(before):
        steps = merged([*_besides(prefix, keys_of(marked)), *marked])
        keys = keys_of(steps)
        layout = Layout(keys, pattern_of(steps), program_of(steps), Shape.MARKER if marker else shape)
        if len(set(keys)) == len(keys) and layout.takes(line):
            return layout
    return None


def _half_read(taken: Array, values: Mapping[str, Values]) -> Array:
    """Which taken lines the plain reader must look at, since their request was refused and sent nowhere."""
    half = np.zeros(int(taken.sum()), "?")
    if "status" in values:
        refused = np.flatnonzero(np.isin(values["status"].whole_numbers(), _REFUSED))
        upstream = values.get("upstream")
        half[[row for row in refused.tolist() if upstream is None or upstream[row] in NOWHERE]] = True
    found = np.zeros(len(taken), "?")
    found[taken] = half
    return found


def _besides(prefix: Sequence[Step], keys: Sequence[str]) -> Iterator[Step]:
    """The steps of a prefix, without the values of which the payload has its own."""
    for step in prefix:
        yield step._replace(key=None) if step.key in keys else step


def _prefixes(before: bytes) -> Iterator[tuple[Shape, Sequence[Step]]]:
    if not before:
        yield Shape.MARKER, ()  # a line that begins with its marker
        return
    gap = literal(before[len(before.rstrip(b" ")) :])
    for shape, steps in STEPS.items():
        yield shape, (*steps, gap)
    if not _DIGIT.search(before):
        # the same on every line: the name of a program, the blank that syslog daemons leave
        yield Shape.MARKER, (literal(before),)


def _payload_steps(payload: bytes) -> Iterator[Step]:
    for joint, key, colon, quote in _KEY.findall(payload):
        yield literal(joint + b'"' + key + b'"' + colon + quote)
        yield from _value_steps(key.decode(), is_quoted=bool(quote))
    yield literal(b"}")


def _value_steps(key: str, *, is_quoted: bool) -> Iterator[Step]:
    if not is_quoted:
        yield number(key)
        return
    yield all_but(key, b'"' + _ODD.get(key, b""), least=int(key == "method"))
    if key == "uri":
        yield all_but(None, b'"')  # a query is different on every line, and never kept
    yield literal(b'"')
