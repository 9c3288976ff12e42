"""Which machines are believed, for which header. The default is nobody.

A trusted proxy is a range whose machines append to, or overwrite, the named header on every request; the most specific
range wins. A list has a version, so that every verdict says by which list it was reached.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unmasq.base.errors import UsageError
from unmasq.model.address import Range, parse_range
from unmasq.model.groups import distinct

HEADERS = (
    "x-forwarded-for",
    "forwarded",
    "x-real-ip",
    "proxy-protocol",
    "cf-connecting-ip",
    "true-client-ip",
)
"""Headers that a proxy can be believed for. The first two are lists, read from the right; the others name one address."""

LISTS = HEADERS[:2]
NOBODY = 0
_TOP = 1 << 128


@dataclass(frozen=True)
class TrustEntry:
    """A range of proxies under a name, and the header they are believed for."""

    name: str
    range: Range
    header: str = HEADERS[0]


def header_bit(header: str) -> int:
    """The bit that stands for a header in the masks of `TrustList.headers_of`."""
    return 1 << HEADERS.index(header)


def entry(name: str, range_text: str, header: str = HEADERS[0]) -> TrustEntry:
    """An entry as a person writes it. Raises UsageError for a range or header that we do not know."""
    if header.lower() not in HEADERS:
        raise UsageError(f"unknown header {header!r}", "a proxy can be believed for one of these", ", ".join(HEADERS))
    return TrustEntry(name, parse_range(range_text), header.lower())


def entries_of(ranges: str) -> list[TrustEntry]:
    """RANGE or RANGE=HEADER separated by commas, each named after its range; without a header believed for X-Forwarded-For.

    Raises UsageError.
    """
    pairs = (text.partition("=") for text in map(str.strip, ranges.split(",")) if text)
    return [entry(range_text, range_text, header or HEADERS[0]) for range_text, _, header in pairs]


class TrustList:
    """Entries under one version, searchable for one address or for columns of them."""

    def __init__(self, entries: Iterable[TrustEntry] = (), version: int = 0) -> None:
        self.entries = tuple(entries)
        self.version = version
        self._starts, self._owners = _segments(self.entries)
        self._hi = np.array([start >> 64 for start in self._starts], "u8")
        self._lo = np.array([start & (1 << 64) - 1 for start in self._starts], "u8")
        self._masks = np.array([sum({header_bit(e.header) for e in owners}) for owners in self._owners], "u1")

    def find(self, hi: int, lo: int) -> list[TrustEntry]:
        """The entries of the most specific range that holds an address: more than one where it was declared for several headers."""
        return self._owners[bisect_right(self._starts, hi << 64 | lo) - 1]

    def headers_of(self, hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """For each address a mask of the headers it is believed for (`header_bit`), NOBODY (0) where it is not trusted."""
        if not self.entries:
            return np.full(len(hi), NOBODY, "u1")
        at = np.searchsorted(self._hi, hi, "left")
        same_half = np.searchsorted(self._hi, hi, "right")
        for i in distinct(at[at < same_half]).tolist():  # boundaries that share their upper half: the lower one decides
            rows = np.flatnonzero((at == i) & (at < same_half))
            block = self._lo[i : same_half[rows[0]]]
            same_half[rows] = i + np.searchsorted(block, lo[rows], "right")
        return self._masks[same_half - 1]


def _number(pair: tuple[int, int]) -> int:
    return pair[0] << 64 | pair[1]


def _segments(entries: Sequence[TrustEntry]) -> tuple[list[int], list[list[TrustEntry]]]:
    """The address space cut at every range's ends, each piece with the entries of the most specific range that covers it."""
    edges = {0}
    for e in entries:
        edges |= {_number(e.range.first), _number(e.range.last) + 1}
    starts = sorted(edges - {_TOP})
    return starts, list(_owners(starts, entries))


def _owners(starts: Iterable[int], entries: Iterable[TrustEntry]) -> Iterator[list[TrustEntry]]:
    """For each piece, in order, the entries of the narrowest block around it. Blocks lie within one another or apart."""
    blocks: dict[Range, list[TrustEntry]] = {}
    for e in entries:
        blocks.setdefault(e.range, []).append(e)
    coming = deque(sorted(blocks, key=lambda block: (block.first, block.prefix)))
    around: list[Range] = []  # the widest first
    for start in starts:
        while around and _number(around[-1].last) < start:
            around.pop()
        while coming and _number(coming[0].first) == start:
            around.append(coming.popleft())
        yield blocks[around[-1]] if around else []


def covered_by(ranges: Sequence[Range], hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """For each address whether any of the ranges holds it."""
    inside: NDArray[np.bool_] = _of(tuple(ranges)).headers_of(hi, lo) != NOBODY
    return inside


@lru_cache(maxsize=4)
def _of(ranges: tuple[Range, ...]) -> TrustList:
    """Asked of every batch, for ranges that seldom change."""
    return TrustList(TrustEntry("", one) for one in ranges)
