"""One open log file: the whole lines that are left to read of it, and whether it is still the file that it was."""

import errno
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from unmasq.base.errors import InputError
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.read.coverage import HEAD_BYTES, Coverage, Key, Run
from unmasq.read.lines import Window
from unmasq.read.opening import open_log

_MARK_BYTES = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading a file stopped, and the bytes before that. `runs` are None in a file that is not ours to read."""

    head: bytes
    mark: bytes
    identity: FileIdentity | None
    runs: list[Run] | None

    @property
    def position(self) -> int:
        """Offset of the next byte to be read."""
        return self.runs[0][0] if self.runs else 0


class LogFile:
    """Keeps its descriptor, so that nobody can reuse the inode meanwhile.

    A file only grows. One that became shorter, or has other bytes at its beginning or where reading stopped, was
    truncated: then `chunks` stops, `truncated` is true, and `begin_again` takes up what is there now.
    """

    def __init__(self, path: str, window: Window, coverage: Coverage, *, follow: bool = True) -> None:
        """Open the file, through symlinks if `follow`. Raises InputError if it cannot be read or is no regular file."""
        self.path = path
        self._window = window
        self._coverage = coverage
        self._fd = open_log(path, follow=follow)
        self._closed = False
        status = os.fstat(self._fd)
        self.key: Key = (status.st_dev, status.st_ino)
        self.changed_ns = status.st_mtime_ns
        self.active_us: int | None = None
        self.size = status.st_size
        try:
            self.head = self.head_now()
        except OSError as error:
            self.close()
            raise InputError(f"cannot read the log {path}", error.strerror or str(error)) from error
        self.resume(None, [(0, None)])

    def resume(self, identity: FileIdentity | None, runs: list[Run]) -> None:
        """Read these runs, of a file that was read before under an identity, or of a new one."""
        self.identity = identity
        self.runs = deque(runs)
        self._mark = self._before(runs[0][0])
        self._scanned = 0
        self._next: FileIdentity | None = None
        self.truncated = False

    def resume_kept(self, identity: FileIdentity) -> None:
        """Read what is not kept of a file. If more is kept than there is, what comes at its end is a new generation."""
        runs, size = self._coverage.left(identity), self.size
        if runs[-1][0] <= size:
            self.resume(identity, runs)
            return
        self.resume(identity, [*((start, min(behind, size)) for start, behind in runs if behind and start < size), (size, None)])
        self._next = self._coverage.mint(self.key, self.head[:size], size)
        self._leave_behind()

    def begin_again(self) -> None:
        """Read what the file holds after it was truncated."""
        self.size, self.head = 0, b""
        self.resume(None, [(0, None)])

    def start_at_end(self) -> None:
        """Leave out all lines that are complete by now."""
        at = self.size
        while at and not (cut := self._window.last_newline(self._read(max(0, at - len(self._window.buffer)), at))):
            at = max(0, at - len(self._window.buffer))
        if at:
            behind = max(0, at - len(self._window.buffer)) + cut
            self.resume(None, [(behind, None)])
            self.identity = self._coverage.mint(self.key, self.head[:behind], behind)

    def place(self) -> Place:
        """Where reading stands, for whoever opens this file or a copy of it again."""
        return Place(self.head, self._mark, self.identity, list(self.runs))

    def continues(self, place: Place) -> bool:
        """Whether this file is a copy of the one that was read up to there, and reaches as far."""
        mark = os.pread(self._fd, len(place.mark), place.position - len(place.mark))
        return agree(self.head, place.head) and mark == place.mark

    def precedes(self, place: Place) -> bool:
        """Whether this file is a copy that was made when less was written than was read in the end."""
        return agree(self.head, place.head) and self.size < place.position

    def chunks(self, *, live: bool, final: bool = False) -> Iterator[Chunk]:
        """What is left up to the present end, whole lines only; if `final`, also a last line without its newline."""
        if self.identity is None and (hole := self._hole()) != self.runs[0][0]:
            self.resume(None, [(hole, None)])
        end = os.fstat(self._fd).st_size
        while True:
            piece = self._piece(end, final=final)
            # Checked after reading and before yielding: what was read before a truncation is nobody's any more.
            self.truncated = not self._intact()
            if piece is None or self.truncated:
                return
            yield self._advance(*piece, live=live)

    def head_now(self) -> bytes:
        """The first bytes as they are on disk."""
        return os.pread(self._fd, HEAD_BYTES, 0)

    def may_be_copied(self, head: bytes) -> bool:
        """Whether a file with these first bytes may be a copy of this one, as it is or as it was before a truncation.

        For a head that was read before this call: a copy is there before its model is truncated.
        """
        now = self.head_now()
        return now.startswith(head) or self.head.startswith(head) or (not now.startswith(self.head) and head.startswith(self.head))

    def unlinked(self) -> bool:
        """Whether the file has no name any more."""
        return os.fstat(self._fd).st_nlink == 0

    def close(self) -> None:
        """Let the descriptor go; nothing can be read any more."""
        if not self._closed:
            os.close(self._fd)
        self._closed = True

    def _hole(self) -> int:
        """How many NULs come first: after a truncation, a writer without O_APPEND goes on at its old offset."""
        if not self.head_now().startswith(b"\0"):
            return 0
        try:
            at = os.lseek(self._fd, 0, os.SEEK_DATA)
        except OSError as error:
            return os.fstat(self._fd).st_size if error.errno == errno.ENXIO else 0
        while block := os.pread(self._fd, 1 << 16, at):
            if text := block.lstrip(b"\0"):
                return at + len(block) - len(text)
            at += len(block)
        return at

    def _piece(self, end: int, *, final: bool) -> tuple[bytes, int] | None:
        """The next bytes to yield and how many were left out behind them; None if there is no whole line."""
        start, behind = self.runs[0]
        stop, complete = (end, final) if behind is None else (behind, True)
        size = 0 if self._scanned > start else self._read(start, stop)
        cut = self._window.whole(size)
        if not cut and (size > self._window.longest or self._scanned > start):
            return self._overlong(start, stop, complete=complete)
        if not cut and complete and start + size == stop:
            cut = size
        return (self._window.taken(cut), 0) if cut else None

    def _overlong(self, start: int, stop: int, *, complete: bool) -> tuple[bytes, int] | None:
        """Look for the end of an over-long line; what was looked through is not read again at the next poll."""
        at = max(self._scanned, start + self._window.longest)
        while size := self._read(at, stop):
            newline = self._window.buffer.find(b"\n", 0, size)
            if newline >= 0:
                return self._abridged(start, at + newline + 1, b"\n")
            at += size
        self._scanned = at
        return self._abridged(start, at, b"") if complete and at == stop else None

    def _abridged(self, start: int, behind: int, newline: bytes) -> tuple[bytes, int]:
        data = self._window.taken(self._read(start, start + self._window.longest)) + newline
        return data, behind - start - len(data)

    def _read(self, start: int, stop: int) -> int:
        if stop <= start:
            return 0
        with memoryview(self._window.buffer) as view:
            return os.preadv(self._fd, [view[: stop - start]], start)

    def _intact(self) -> bool:
        size, head = os.fstat(self._fd).st_size, self.head_now()
        if not head.startswith(self.head) or self._before(self.runs[0][0]) != self._mark:
            return False
        self.size, self.head = size, head
        return True

    def _before(self, position: int) -> bytes:
        start = max(0, position - _MARK_BYTES)
        return os.pread(self._fd, position - start, start)

    def _advance(self, data: bytes, skipped: int, *, live: bool) -> Chunk:
        start, behind = self.runs[0]
        end = start + len(data) + skipped
        identity = self.identity = self.identity or self._coverage.mint(self.key, self.head[:end], start)
        self.runs[0] = (end, behind)
        if end == behind:
            self.runs.popleft()
            self._leave_behind()
        self._mark = self._before(self.runs[0][0]) if skipped or end == behind else (self._mark + data)[-_MARK_BYTES:]
        return Chunk(identity, self.path, start, data, live, skipped)

    def _leave_behind(self) -> None:
        if self._next and len(self.runs) == 1:
            self.identity = self._next


def agree(head: bytes, other: bytes) -> bool:
    """Whether two files may begin alike: one may have been copied while it was shorter than HEAD_BYTES."""
    return bool(head) and (head.startswith(other) or other.startswith(head))
