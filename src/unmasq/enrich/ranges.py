"""Ranges of addresses and what stands beside them in a CSV: read once into sorted columns, asked often.

Rows are `first,last,CC` or `first,last,number,"name"`, without a header; addresses as text, or as whole numbers as in the
files that end in `-num.csv`.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from unmasq.base.errors import InputError
from unmasq.model.address import V4_PREFIX, packed, parse
from unmasq.model.columns import Array

_V4 = 1 << 32
_LARGEST = 1 << 128
_LONGEST_NAME = 200  # of an owner


class Ranges:
    """Inclusive ranges that do not overlap, each with an index into `values`."""

    def __init__(self, columns: Sequence[Array], values: Sequence[tuple[str, ...]]) -> None:
        order = np.lexsort((columns[1], columns[0]))
        self._first_hi, self._first_lo, self._last_hi, self._last_lo, self._value = (column[order] for column in columns)
        self._values = values

    def __len__(self) -> int:
        return len(self._value)

    def of(self, hi: int, lo: int) -> tuple[str, ...] | None:
        """What stands beside the range in which the address lies."""
        begin = int(np.searchsorted(self._first_hi, np.uint64(hi), "left"))
        end = int(np.searchsorted(self._first_hi, np.uint64(hi), "right"))
        at = begin + int(np.searchsorted(self._first_lo[begin:end], np.uint64(lo), "right")) - 1
        if at < 0 or (hi, lo) > (int(self._last_hi[at]), int(self._last_lo[at])):
            return None
        return self._values[int(self._value[at])]


def read(path: Path) -> Ranges:
    """The ranges of a CSV file. Raises InputError for one that cannot be read or has another shape."""
    firsts: list[str] = []
    lasts: list[str] = []
    known: dict[tuple[str, ...], int] = {}
    values: list[int] = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for first, last, *beside in csv.reader(file):
                firsts.append(first)
                lasts.append(last)
                values.append(known.setdefault(tuple(each[:_LONGEST_NAME] for each in beside[:2]), len(known)))
    except OSError as error:
        raise InputError(f"cannot read {path}", error.strerror or str(error)) from error
    except (ValueError, csv.Error) as error:
        raise _refused(path, f"row {len(firsts) + 1:,} is not UTF-8 text of at least two columns") from error
    columns = [*_halves(firsts, path), *_halves(lasts, path), np.array(values, "u4")]
    _check(columns, list(known), path)
    return Ranges(columns, list(known))


def _halves(texts: list[str], path: Path) -> list[Array]:
    raw = b"".join(map(_of_number, texts)) if all(map(str.isdecimal, texts)) else packed(texts)
    halves = np.frombuffer(raw, ">u8").reshape(-1, 2).astype("u8")
    wrong = np.flatnonzero((halves == 0).all(axis=1))
    for at in wrong.tolist():
        if parse(texts[at]) is None and texts[at] not in ("::", "0"):
            raise _refused(path, f"row {at + 1:,} begins or ends with {texts[at][:60]!r}, which is no address")
    return [halves[:, 0], halves[:, 1]]


def _of_number(text: str) -> bytes:
    """An address as a whole number: IPv4 up to 32 bits, which no range of global IPv6 addresses reaches."""
    number = int(text) if len(text) < 40 else _LARGEST
    if number >= _LARGEST:
        return bytes(16)
    return (number + (V4_PREFIX if number < _V4 else 0)).to_bytes(16, "big")


def _check(columns: Sequence[Array], values: Iterable[tuple[str, ...]], path: Path) -> None:
    """Raises InputError for a file with nothing in it, with a range that ends before it begins, or with another shape."""
    first_hi, first_lo, last_hi, last_lo, _ = columns
    if not len(first_hi):
        raise _refused(path, "it is empty")
    backwards = np.flatnonzero((first_hi > last_hi) | ((first_hi == last_hi) & (first_lo > last_lo)))
    if len(backwards):
        raise _refused(path, f"the range in row {int(backwards[0]) + 1:,} ends before it begins")
    for beside in values:
        if not _is_country(beside) and not _is_network(beside):
            raise _refused(path, f"beside a range stands {', '.join(beside)[:60]!r}: neither a country nor a network")


def _is_country(beside: Sequence[str]) -> bool:
    return len(beside) == 1 and (not beside[0] or (len(beside[0]) == 2 and beside[0].isalpha()))


def _is_network(beside: Sequence[str]) -> bool:
    return len(beside) == 2 and (not beside[0] or (beside[0].isdecimal() and len(beside[0]) <= 10))


def _refused(path: Path, why: str) -> InputError:
    return InputError(f"cannot use {path}", why, 'a CSV has rows first,last,CC or first,last,number,"name" and no header')
