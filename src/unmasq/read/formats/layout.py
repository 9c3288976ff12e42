"""The fast path: the layout of a log's lines, learned from one line, as one regular expression over many.

A template writes the same keys in the same order on every line. Once the plain reader (`payload`, `prefix`) has taken a
line, a pattern of exactly these keys takes all others that hold no backslash; what it takes, the plain reader takes with
the same values (the property tests hold them together). Deleting this module costs only speed.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from unmasq.model.columns import Array
from unmasq.read.formats.payload import ANY_MARKER, MARKERS, OPENING
from unmasq.read.formats.prefix import STRICT

_KEY = re.compile(rb'([,{] ?)"([a-z_-]+)"(: ?)("?)')
_NUMBER = rb"(-?\d++(?:\.\d++)?)"
_TEXT = rb'"([^"]*+)"'
_PATH = rb'"([^"?]*+)[^"]*+"'  # a query is different on every line, and never kept
_NO_MARKER = b"(?!.*" + ANY_MARKER + b")"
_LONGEST_LAYOUT = 4096
BRACE = "}"


class Layout(NamedTuple):
    """Keys in the order of the pattern's groups; its last group is a line that it does not take.

    Group `taken` is never empty in a line that it takes, which tells an odd line from a taken one.
    """

    keys: tuple[str, ...]
    pattern: re.Pattern[bytes]
    taken: int

    def takes(self, line: bytes) -> bool:
        """Whether the line is of this layout."""
        return b"\\" not in line and bool(self.pattern.findall(line)[0][self.taken])

    def columns(self, data: bytes, starts: Array, ends: Array) -> tuple[Array, dict[str, Sequence[bytes]]]:
        """A mask of the lines that are not of this layout, and the values of all others, key by key."""
        odd = np.zeros(len(starts), "?")
        odd[np.searchsorted(starts, np.flatnonzero(np.frombuffer(data, "u1") == ord("\\")), "right") - 1] = True
        if odd.all():
            return odd, {}
        rows = self._rows(_without(data, starts[odd], ends[odd]))
        taken = [row for row in rows if row[self.taken]]
        if len(taken) < len(rows):
            odd[~odd] = [not row[self.taken] for row in rows]
        return odd, dict(zip(self.keys, zip(*taken, strict=True), strict=False))

    def _rows(self, data: bytes) -> list[tuple[bytes, ...]]:
        data = data.removesuffix(b"\n")
        rows: list[tuple[bytes, ...]] = self.pattern.findall(data)
        if len(rows) == data.count(b"\n") + 1:
            return rows
        return [row for line in data.split(b"\n") for row in self.pattern.findall(line)]  # a value ran over the end of a cut line


def _without(data: bytes, starts: Array, ends: Array) -> bytes:
    """The data without the lines from `starts` to `ends`."""
    return b"".join(data[a:b] for a, b in zip([0, *ends.tolist()], [*starts.tolist(), len(data)], strict=True))


def learn(line: bytes) -> Layout | None:
    """The layout of a line that the plain reader took; None where it has none that this path could take."""
    marker = next((m for m in MARKERS if m + OPENING in line), None)
    before, _, payload = line.partition(marker) if marker else (line, b"", b"")
    described = _payload_pattern(payload) if marker else ((), b"")
    if described is None or len(line) > _LONGEST_LAYOUT:
        return None
    for names, prefix in _prefixes(before):
        keys = names + described[0]
        body = (prefix + re.escape(marker) if marker else _NO_MARKER + prefix) + described[1]
        pattern = re.compile(b"^(?:" + body + b")$|^(.*)$", re.MULTILINE)
        layout = Layout(keys, pattern, keys.index(BRACE) if marker else 0)
        if layout.takes(line):
            return layout
    return None


def _prefixes(before: bytes) -> Iterator[tuple[tuple[str, ...], bytes]]:
    if not before:
        yield (), b""  # a line that begins with its marker
        return
    gap = re.escape(before[len(before.rstrip(b" ")) :])
    for keys, pattern in STRICT.items():
        yield keys, pattern + gap


def _payload_pattern(payload: bytes) -> tuple[tuple[str, ...], bytes] | None:
    keys: list[str] = []
    pattern = b"\\{"
    for joint, key, colon, quote in _KEY.findall(payload):
        value = (_PATH if key == b"uri" else _TEXT) if quote else _NUMBER
        pattern += re.escape(joint.lstrip(b"{")) + b'"' + re.escape(key) + b'"' + re.escape(colon) + value
        keys.append(key.decode())
    return ((*keys, BRACE), pattern + b"(\\})") if keys and len(set(keys)) == len(keys) else None
