"""A list of addresses from a file, for `unmasq trace --from-file`."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from unmasq.base.errors import InputError, UsageError
from unmasq.base.safe import shortened, terminal
from unmasq.cli.output import note
from unmasq.model.address import parse_range


class AddressList:
    """The addresses and ranges of a list, one a line; `#` begins a comment. `junk` counts lines that are neither."""

    def __init__(self, name: str, lines: Iterable[str]) -> None:
        self._name, self._lines = name, lines
        self.junk = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._lines, 1):
            text = line.partition("#")[0].strip()
            try:
                yield from self._asked(text) if text else []
            except UsageError:
                self.junk += 1
                note(f"{self._name}:{number}: not an address or range: {terminal(shortened(text, 60))}")

    def _asked(self, text: str) -> Iterator[str]:
        asked = parse_range(text).text
        if "/" in text and asked.lower() != text.lower():
            note(f"{self._name}: {text} is asked as {asked}")
        yield asked


def read_list(name: str) -> AddressList:
    """The list in a file, or on standard input for `-`. Raises InputError for a file that cannot be read."""
    if name == "-":
        return AddressList("standard input", sys.stdin)
    try:
        return AddressList(name, Path(name).read_text(encoding="utf-8", errors="replace").splitlines())
    except OSError as error:
        raise InputError(f"cannot read the list in {name}", str(error.strerror), "name a file with one address a line") from None
