"""What one pod's collector handed over: each byte of each file once, in order, and what of it is committed by now.

Any number of threads. A file is kept under an identity that holds the pod's own id: no pod can say anything of the files of
another. A stream has a number; the next one ends it, so that nothing comes in by an old stream after a new one was told what
is here.
"""

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.model.proto import SUPERSEDED
from unmasq.model.runs import Run, Runs

MOST_WAITING_BYTES = 2 << 20
"""Bytes that wait to be read; beyond it the collector waits. One piece may always wait."""
MOST_FILES = 1000
"""Files of a pod that are known. At the limit the oldest is forgotten whose bytes are all committed and which the present stream
has not named: its collector could still send some of it."""
MOST_RUNS = 1000
"""Pieces of one file that do not touch: a collector reads its log from one end to the other."""

Known = dict[FileIdentity, list[Run]]


class Refused(Exception):
    """What a collector said cannot be, or its stream is over. Never leaves the package: the stream ends with it."""


class Have(NamedTuple):
    """What is here of each file, by the identity that the collector gave it."""

    committed: Known
    held: Known


class Ledger:
    """The pod whose volume has the id `name`.

    `kept` is what a store has of any files, by their full identities, the newest files at the end.
    """

    def __init__(self, name: str, kept: Mapping[FileIdentity, Sequence[Run]]) -> None:
        self._scope = f"{name}/"
        self._changed = threading.Condition()
        self._stream = self._begun = 0
        self._queue: deque[Chunk] = deque()
        self._waiting_bytes = 0
        self._news: set[FileIdentity] = set()
        self._named: set[FileIdentity] = set()
        ours = [(file, runs) for file, runs in kept.items() if self._is_ours(file)]
        self._kept = {file: Runs(runs) for file, runs in ours[-MOST_FILES:]}
        self._held = {file: Runs(runs) for file, runs in self._kept.items()}  # the one that was named last at the end
        self.begun: dict[FileIdentity, int] = {}
        """As `unmasq.read.tail.Tail.begun`."""

    def begin(self) -> tuple[int, Have]:
        """A new stream: its number, and what is here. An earlier one is over."""
        with self._changed:
            self._begun += 1
            self._stream = self._begun
            self._news.clear()
            self._named.clear()
            self._changed.notify_all()
            return self._stream, Have(self._told(self._kept), self._told(self._held))

    def end(self, stream: int = 0) -> None:
        """A stream is over, or with 0 whichever there is."""
        with self._changed:
            if stream in (0, self._stream):
                self._stream = 0
                self._changed.notify_all()

    def is_superseded(self, stream: int) -> bool:
        """Whether another stream has begun since."""
        return stream != self._begun

    def begins(self, stream: int, file: FileIdentity, offset: int) -> None:
        """A file is read from `offset` on. Raises Refused."""
        file = self._full(file)
        with self._changed:
            self._demand(stream)
            if file not in self._held and len(self._held) >= MOST_FILES:
                self._forget_oldest()
            if self.begun.get(file, offset) != offset or (file in self._held and file not in self.begun):
                raise Refused("begun")
            self.begun = self.begun | {file: offset}  # a new one: others are looking at the old
            self._touched(file).add(0, offset)

    def take(self, stream: int, chunk: Chunk) -> None:
        """Take in what was not here; waits while too much is waiting to be read. Raises Refused."""
        chunk = replace(chunk, file=self._full(chunk.file))
        with self._changed:
            self._changed.wait_for(lambda: stream != self._stream or self._has_room(len(chunk.data)))
            self._demand(stream)
            if chunk.file not in self._held:
                raise Refused("not_begun")
            held = self._touched(chunk.file)
            end = chunk.start + len(chunk.data) + chunk.skipped
            if held.overlap(chunk.start, end):
                raise Refused("overlap")
            if len(held) >= MOST_RUNS and not held.overlap(chunk.start - 1, end + 1):
                raise Refused("scattered")
            held.add(chunk.start, end)
            self._append(chunk)

    def has_room(self, size: int) -> bool:
        """Whether a chunk of so many bytes may wait to be read as well."""
        with self._changed:
            return self._has_room(size)

    def put(self, chunk: Chunk) -> None:
        """Let a chunk of no stream wait to be read. Its file is nobody's to send again."""
        with self._changed:
            self._append(chunk)

    def drain(self) -> Iterator[Chunk]:
        """What waits now, each taken out when it is asked for: whoever stops leaves the rest for the next time."""
        for _ in range(len(self._queue)):
            with self._changed:
                chunk = self._queue.popleft()
                self._waiting_bytes -= len(chunk.data)
                self._changed.notify_all()
            yield chunk

    def acknowledge(self, file: FileIdentity, runs: Sequence[Run]) -> None:
        """These runs of a file, by its full identity, are committed. Files of others, and those that were forgotten, are ignored."""
        with self._changed:
            if file not in self._held:
                return
            kept, held = self._kept.setdefault(file, Runs()), self._held[file]
            for start, end in runs:
                kept.add(start, end)
                held.add(start, end)
            self._news.add(file)
            self._changed.notify_all()

    def is_settled(self) -> bool:
        """Whether everything that was handed over is committed."""
        with self._changed:
            return not self._queue and all(map(self._is_committed, self._held))

    def news(self, stream: int, seconds: float) -> Known | None:
        """What is committed of the files of which more is than was told; waits so long for it. None: the stream is over."""
        with self._changed:
            self._changed.wait_for(lambda: stream != self._stream or self._news, seconds)
            if stream != self._stream:
                return None
            told = self._told({file: self._kept[file] for file in self._news})
            self._news.clear()
            return told

    def _touched(self, file: FileIdentity) -> Runs:
        """What is held of a file, which the stream names; the file is the newest one from now on."""
        self._named.add(file)
        held = self._held[file] = self._held.pop(file, Runs())
        return held

    def _forget_oldest(self) -> None:
        old = next((file for file in self._held if file not in self._named and self._is_committed(file)), None)
        if old is None:
            raise Refused("too_many_files")
        del self._held[old]
        self._kept.pop(old, None)
        self._news.discard(old)
        self.begun = {file: offset for file, offset in self.begun.items() if file != old}

    def _is_committed(self, file: FileIdentity) -> bool:
        return list(self._held[file]) == list(self._kept.get(file, ()))

    def _append(self, chunk: Chunk) -> None:
        self._queue.append(chunk)
        self._waiting_bytes += len(chunk.data)

    def _has_room(self, size: int) -> bool:
        return not self._queue or self._waiting_bytes + size <= MOST_WAITING_BYTES

    def _demand(self, stream: int) -> None:
        if stream != self._stream:
            raise Refused(SUPERSEDED)

    def _is_ours(self, file: FileIdentity) -> bool:
        return file.fingerprint.startswith(self._scope)

    def _full(self, file: FileIdentity) -> FileIdentity:
        return replace(file, fingerprint=self._scope + file.fingerprint)

    def _told(self, runs: Mapping[FileIdentity, Runs]) -> Known:
        """By the identities that the collector gave."""
        return {replace(file, fingerprint=file.fingerprint.removeprefix(self._scope)): list(of) for file, of in runs.items()}
