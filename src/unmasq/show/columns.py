"""Rows as columns of text: as wide as they need to be, or as the terminal lets them."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from unmasq.base.safe import shortened

GAP = "  "
_NARROWEST = 8  # of a text that is shortened: less of it says nothing


class Kind(NamedTuple):
    """How a column is set: a number to the right; what is `whole` (an address, a time) is never shortened."""

    is_number: bool = False
    whole: bool = True


def aligned(rows: Sequence[Sequence[str]], kinds: Sequence[Kind], width: int | None = None) -> list[str]:
    """The rows as lines. Where they are wider than `width`, texts that need not be whole are shortened, the widest first."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(kinds))] if rows else []
    if width is not None:
        _narrow(widths, kinds, width)
    return [GAP.join(_set(text, w, kind) for text, w, kind in zip_longest(row, widths, kinds)).rstrip() for row in rows]


def _narrow(widths: list[int], kinds: Sequence[Kind], width: int) -> None:
    """Take from the widest of the columns that can give."""
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
    while excess > 0:
        giving = [at for at, kind in enumerate(kinds) if not kind.whole and widths[at] > _NARROWEST]
        if not giving:
            return
        widths[max(giving, key=lambda at: widths[at])] -= 1
        excess -= 1


def _set(text: str, width: int, kind: Kind) -> str:
    shown = shortened(text, width)
    return shown.rjust(width) if kind.is_number else shown.ljust(width)
