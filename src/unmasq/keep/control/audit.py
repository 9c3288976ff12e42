"""What somebody changed over HTTP, or tried to: a line of JSON each in DIR/audit.jsonl, which only grows."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from unmasq.base import safe
from unmasq.base.errors import StoreError

NAME = "audit.jsonl"
LONGEST = 2000
"""Characters of what was sent that are noted."""

_BLOCK_BYTES = 1 << 16


class Entry(Struct, frozen=True):
    """Who, by which role, asked for what, and how it ended. `at` is RFC 3339."""

    at: str
    who: str
    role: str
    method: str
    path: str
    sent: str
    status: int


class AuditPage(Struct, frozen=True):
    """Entries, newest first; `next` is the key of the page behind this one, null at the end."""

    entries: list[Entry]
    next: str | None


class Audit:
    """The lines of one folder. Any thread may call."""

    def __init__(self, folder: Path) -> None:
        self._path, self._lock = folder / NAME, threading.Lock()

    def add(self, entry: Entry) -> None:
        """Note what was done; it is on disk when this returns. Raises StoreError."""
        line = safe.json(msgspec.json.encode(entry)) + b"\n"
        try:
            with self._lock, os.fdopen(os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b") as file:
                file.write(line if _ends_well(file) else b"\n" + line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"cannot write {self._path}", str(error.strerror), "make room, or run as its owner") from None

    def page(self, limit: int, before: int | None = None) -> AuditPage:
        """At most `limit` entries, newest first: the last ones, or those before the `next` of another page. Raises StoreError."""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                end = size if before is None else min(before, size)
                lines, start = _last_lines(file, end, limit)
        except FileNotFoundError:
            return AuditPage([], None)
        except OSError as error:
            raise StoreError(f"cannot read {self._path}", str(error.strerror), "run as its owner") from None
        return AuditPage(list(_whole(lines))[::-1], str(start) if start else None)


def _ends_well(file: BinaryIO) -> bool:
    """Whether the last line is whole: one that a crash cut must not take the next one with it."""
    size = file.seek(0, os.SEEK_END)
    if not size:
        return True
    file.seek(size - 1)
    return file.read(1) == b"\n"


def _last_lines(file: BinaryIO, end: int, limit: int) -> tuple[list[bytes], int]:
    """The last lines that end before a place of the file, and where the first of them begins; no more is read than that takes."""
    held, start = b"", end
    while start and held.count(b"\n") <= limit:
        step = min(_BLOCK_BYTES, start)
        start -= step
        file.seek(start)
        held = file.read(step) + held
    lines = held.splitlines(keepends=True)[-limit:]
    return lines, end - sum(map(len, lines))


def _whole(lines: list[bytes]) -> Iterator[Entry]:
    """Without a line that a crash cut."""
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=Entry)
        except msgspec.MsgspecError:
            continue
