"""What somebody changed over HTTP, or tried to: a line of JSON each in DIR/audit.jsonl, which only grows."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from unmasq.base import safe
from unmasq.base.errors import StoreError

NAME = "audit.jsonl"
LONGEST = 2000
"""Characters of what was sent that are noted."""


class Entry(Struct, frozen=True):
    """Who, by which role, asked for what, and how it ended. `at` is RFC 3339."""

    at: str
    who: str
    role: str
    method: str
    path: str
    sent: str
    status: int


class Audit:
    """The lines of one folder. Any thread may call."""

    def __init__(self, folder: Path) -> None:
        self._path, self._lock = folder / NAME, threading.Lock()

    def add(self, entry: Entry) -> None:
        """Note what was done; it is on disk when this returns. Raises StoreError."""
        line = safe.json(msgspec.json.encode(entry)) + b"\n"
        try:
            with self._lock:
                handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                try:
                    os.write(handle, line)
                    os.fsync(handle)
                finally:
                    os.close(handle)
        except OSError as error:
            raise StoreError(f"cannot write {self._path}", str(error.strerror), "make room, or run as its owner") from None

    def newest(self, limit: int) -> list[Entry]:
        """The last entries, newest first. Raises StoreError."""
        try:
            lines = self._path.read_bytes().splitlines()[-limit:]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"cannot read {self._path}", str(error.strerror), "run as its owner") from None
        return list(_whole(lines))[::-1]


def _whole(lines: list[bytes]) -> Iterator[Entry]:
    """Without a line that a crash cut."""
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=Entry)
        except msgspec.MsgspecError:
            continue
