"""The C extension (`native/` in the repository), where it was built: columns from bytes, several times as fast.

Each function has a twin in Python that says the same; whoever uses it takes the extension as an argument, None for the twin.
"""

from importlib import import_module
from typing import Protocol, cast

from unmasq.model.columns import Array


class Native(Protocol):
    """What the extension does. Raises ValueError for buffers that do not fit; never reads or writes outside them.

    A column of values is two i4 arrays, `begin` and `end`: offsets into the data they stand in.
    """

    def bounds(self, data: bytes, /) -> bytes:
        """0, and where each line of `data` ends, behind its newline; numbers of 8 bytes. A last line without newline counts."""

    def twice(self, data: bytes, byte: int, starts: Array, found: Array, /) -> None:
        """Whether each line holds that byte more than once, to `found` (lines, u1). `starts` (lines, i8) is where they begin."""

    def match(self, data: bytes, program: bytes, taken: Array, spans: Array, /) -> int:
        """Run a program of `unmasq.read.formats.steps` over each line of `data`; returns how many lines are of that layout.

        `taken` (lines, u1) gets 1 for those; `spans` (captures, 2, lines; i4) their values, one behind the other from the front.
        """

    def distinct(self, data: bytes, begin: Array, end: Array, first: Array, numbers: Array, seed: int, /) -> int:
        """Number equal values alike, in the order in which they are met; returns how many there are.

        `numbers` (rows, i4) gets each row's number, `first` (rows, i4) the row in which each number was met first. The
        seed keeps whoever wrote the values from slowing this down.
        """

    def numbers(self, data: bytes, begin: Array, end: Array, numbers: Array, /) -> int:
        """Up to 18 digits to `numbers` (rows, i8), -1 for anything else; returns how many those are."""

    def cut(self, data: bytes, begin: Array, end: Array, /) -> bytes:
        """All values one behind the other."""

    def texts(
        self, data: bytes, template: tuple[bytes, ...], begins: tuple[Array, ...], ends: tuple[Array, ...], /
    ) -> tuple[list[str | None], list[int]]:
        """For each row its values between the parts of the template; None in the rows that are told besides: JSON would have to escape."""

    def claims(self, texts: list[str], names: tuple[str, ...], natures: str, recorded: Array, /) -> tuple[bytes, list[int]]:
        """The addresses that header texts name: rows of (text, kind, hi, lo), 8 bytes each, and the texts that it did not read.

        `natures` has for each name `,` for a list, ` ` for one address, `?` for what it leaves alone; `recorded` (texts,
        names; u1) gets which headers a text has.
        """

    def intern(self, slots: Array, known: list[str], texts: list[str], found: Array, /) -> None:
        """The number of each text to `found` (texts, u4): its place in `known`, which grows by those that it lacks.

        `slots` (places, 2; u8), a power of two of places and more than `known` will have texts, all zeros while that is empty,
        belongs to `known` from then on.
        """

    def spread(self, slots: Array, wider: Array, /) -> None:
        """Move all numbers of texts from a table as `intern` has it to another one, all zeros, with more places."""

    def grouped(self, keys: Array, order: Array, begin: Array, width: int, seed: int, /) -> int:
        """Sort rows so that equal keys (of `width` words) are neighbours; returns how many groups there are.

        `order` (rows, i8) gets the rows, `begin` (rows, i8) where each group begins in it; both in the order in which they are met.
        """

    def index_find(self, slots: Array, keys: Array, numbers: Array, width: int, seed: int, /) -> None:
        """The number of each key, 0 where it has none, to `numbers` (rows, i8).

        A key is `width` words of 8 bytes in `keys` (rows, width; u8). `slots` (places, width + 1; u8), a power of two of
        places, all zeros at first, belongs to the index from then on.
        """

    def index_put(self, slots: Array, keys: Array, numbers: Array, width: int, seed: int, /) -> None:
        """Give each key its number, in order; `numbers` gets the one that it had before, 0: none. Raises ValueError where it is full."""

    def index_drop(self, slots: Array, keys: Array, numbers: Array, width: int, seed: int, /) -> None:
        """Forget each key that still has this number; `numbers` gets 1 for those that had, 0 for the others."""


def _load() -> Native | None:
    try:
        return cast("Native", import_module("unmasq.model._native"))
    except ImportError:
        return None


NATIVE = _load()
"""The extension; None on a machine where it could not be built."""
