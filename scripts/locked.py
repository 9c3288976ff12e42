"""What a lock file names: packages, the condition under which each is installed, and the files that pip may take for it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[\w.!+]+)(?: ; (?P<marker>[^#]+?))?(?P<hashes>(?: +--hash=sha256:[0-9a-f]{64})+)")


class Pin(NamedTuple):
    """One version of one package, by the name as it is written in lower case with single dashes."""

    name: str
    version: str
    marker: str
    """When it is installed, as `python_full_version < '3.12'`; empty: always."""
    hashes: tuple[str, ...]
    """SHA-256 in hexadecimal, one for each file of this version."""


def lock_files() -> list[Path]:
    """All of the checkout, what is installed at run time first."""
    return sorted(ROOT.glob("requirements*.lock"), key=lambda path: (path.stem != "requirements", path.name))


def pins(lock: Path) -> list[Pin]:
    """All that `pip install --require-hashes` takes from it. ValueError: a line is anything else than a pin with its hashes."""
    return [_pin(line, lock) for line in _lines(lock.read_text(encoding="utf-8"))]


def _lines(text: str) -> Iterator[str]:
    """Without comments and empty lines; what a backslash continues is one line."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            yield " ".join(line.split())


def _pin(line: str, lock: Path) -> Pin:
    match = PIN.fullmatch(line)
    if match is None:
        raise ValueError(f"{lock.name}: this is no version with its hashes: {line[:120]}; next: make lock")
    hashes = tuple(word.rpartition(":")[2] for word in match["hashes"].split())
    return Pin(match["name"], match["version"], match["marker"] or "", hashes)
