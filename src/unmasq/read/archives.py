"""Rotated logs that the kubelet compressed before they were read: they are left alone, and what is lost with them is counted.

Counter: `tail_lost_bytes` (`compressed`).
"""

import os
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from unmasq.base.telemetry import Counters
from unmasq.read.coverage import HEAD_BYTES, Coverage, missing

_ARCHIVE = re.compile(r"(?P<plain>[0-9]{1,9}\.log\.[^/]+)\.gz")
_ENOUGH_BYTES = 4096  # compressed, for the first HEAD_BYTES of the text
_GZIP = 31  # zlib's window bits for a gzip header


class Archive(NamedTuple):
    """How a compressed file's text begins and how long it is."""

    head: bytes
    size: int


class Archives:
    """The compressed files of one container's folder."""

    def __init__(self, coverage: Coverage, counters: Counters) -> None:
        self._coverage, self._counters = coverage, counters
        self._names: Sequence[str] = ()
        self._seen: set[str] = set()

    def look(self, folder: Path, names: Sequence[str], *, from_start: bool) -> None:
        """Count what is lost with archives that are new. `from_start`: what was there before the first look is ours too."""
        if names == self._names:
            return
        is_first, self._names = not self._names, names
        new = [(name, match["plain"]) for name in names if (match := _ARCHIVE.fullmatch(name)) and match["plain"] not in self._seen]
        archives = [archive for name, plain in new if plain not in names and (archive := read(folder / name))]
        self._seen = {*names, *(plain for _, plain in new), *(plain for plain in self._seen if f"{plain}.gz" in names)}
        lost = self._lost_before(archives, folder, from_start=from_start) if is_first else self._lost_since(archives)
        self._counters.add("tail_lost_bytes", sum(lost), "compressed")

    def _lost_since(self, archives: Sequence[Archive]) -> Iterator[int]:
        """Of files that were never seen under another name."""
        return (archive.size for archive in archives if not self._coverage.seen(archive.head))

    def _lost_before(self, archives: Sequence[Archive], folder: Path, *, from_start: bool) -> Iterator[int]:
        """Of files that were compressed before the first look; of those, only what came after something that was read is ours.

        Frames begin with their time, so that the earlier of two files has the smaller first bytes.
        """
        plain = (_head(folder / name) for name in self._names if ".log" in name and not name.endswith(".gz"))
        known = [head for head in (*plain, *(archive.head for archive in archives)) if head and self._coverage.seen(head)]
        for archive in archives:
            identity = self._coverage.find_copy(archive.head, ())
            if identity is not None:
                yield missing(self._coverage.left(identity), 0, archive.size)
            elif archive.head > min(known) if known else from_start:
                yield archive.size


def read(path: Path) -> Archive | None:
    """What a gzip file says of its text; None for what is none, or cannot be read."""
    raw, last = _ends(path)
    try:
        head = zlib.decompressobj(_GZIP).decompress(raw, HEAD_BYTES)
    except zlib.error:
        return None
    return Archive(head, int.from_bytes(last, "little")) if head else None


def _head(path: Path) -> bytes:
    return _ends(path)[0][:HEAD_BYTES]


def _ends(path: Path) -> tuple[bytes, bytes]:
    """The first bytes of a regular file and its last four; nothing where it cannot be read."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b"", b""
    try:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            return b"", b""
        return os.pread(number, _ENOUGH_BYTES, 0), os.pread(number, 4, max(0, status.st_size - 4))
    except OSError:
        return b"", b""
    finally:
        os.close(number)
