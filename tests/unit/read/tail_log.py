"""A log in a folder, somebody who writes it, and the tail that follows it."""

import os
import shutil
from typing import Any

from unmasq.base.telemetry import Counters
from unmasq.read.lines import CHUNK_BYTES, LONGEST_LINE, Window
from unmasq.read.tail import Tail

SECOND = 1_000_000


class Log:
    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "access.log"
        self.counters = Counters()
        self.now_us = 0
        self.tail: Any = None
        self.chunks = []

    def write(self, data, name="access.log"):
        with (self.folder / name).open("ab") as file:
            file.write(data)

    def rename(self, name="access.log.1"):
        self.path.rename(self.folder / name)

    def copy(self, name="access.log.1"):
        shutil.copyfile(self.path, self.folder / name)

    def truncate(self):
        os.truncate(self.path, 0)

    def copytruncate(self, name="access.log.1"):
        self.copy(name)
        self.truncate()

    def start(self, covered=None, *, chunk_bytes=CHUNK_BYTES, longest_line=LONGEST_LINE, **options):
        if self.tail is not None:
            self.tail.close()
        window = Window.of(chunk_bytes, longest_line)
        self.tail = Tail(str(self.path), self.counters, covered or {}, window=window, **{"from_start": True} | options)
        return self

    def poll(self, seconds=1):
        """The lines that the next poll finds."""
        self.now_us += seconds * SECOND
        return self.lines(self.tail.poll(self.now_us))

    def finish(self):
        return self.lines(self.tail.finish())

    def lines(self, chunks):
        self.chunks = list(chunks)
        return [line for chunk in self.chunks for line in chunk.data.split(b"\n") if line]

    def counted(self):
        return {(name, reason): count for name, reason, count in self.counters.rows()}


def runs_of(chunks):
    """What a store would cover after keeping these chunks."""
    covered: dict[Any, list[tuple[int, int]]] = {}
    for chunk in chunks:
        covered.setdefault(chunk.file, []).append((chunk.start, chunk.start + len(chunk.data) + chunk.skipped))
    return covered
