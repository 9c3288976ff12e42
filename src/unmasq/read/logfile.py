"""One open log file: the whole lines that are left to read of it, and whether it is still the file that it was."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from unmasq.base.errors import InputError
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.read.coverage import Coverage, Run
from unmasq.read.descriptor import MARK_BYTES, Descriptor
from unmasq.read.lines import Window


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

    What was read stays where it was. A file that has other bytes at its beginning, or before the place where reading stopped,
    was truncated: then `chunks` stops, `truncated` is true, and `begin_again` takes up what is there now.
    """

    def __init__(self, path: str, window: Window, coverage: Coverage, *, follow: bool = True) -> None:
        """Open the file, through symlinks if `follow`. Raises InputError if it cannot be read or is no regular file."""
        self.path = path
        self._window = window
        self._coverage = coverage
        self.on_disk = Descriptor(path, follow=follow)
        self.key = self.on_disk.key
        self.changed_ns = self.on_disk.changed_ns
        self.active_us: int | None = None
        try:
            self.size, self.head = self.on_disk.size(), self.on_disk.head()
        except OSError as error:
            self.on_disk.close()
            raise InputError(f"cannot read the log {path}", error.strerror or str(error)) from error
        self.resume(None, [(0, None)])

    def resume(self, identity: FileIdentity | None, runs: list[Run]) -> None:
        """Read these runs, of a file that was read before under an identity, or of a new one."""
        self.identity = identity
        self.runs = deque(runs)
        self._mark = self.on_disk.mark(runs[0][0])
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
        at, cut = self.size, 0
        while at and not cut:
            first = max(0, at - len(self._window.buffer))
            cut = self._window.last_newline(self.on_disk.read(self._window, first, at))
            at = first + cut
        if at:
            self.resume(self._coverage.mint(self.key, self.head[:at], at), [(at, None)])

    def place(self) -> Place:
        """Where reading stands, for whoever opens this file or a copy of it again."""
        return Place(self.head, self._mark, self.identity, list(self.runs))

    def continues(self, place: Place) -> bool:
        """Whether this file is a copy of the one that was read up to there, and reaches as far."""
        alike = agree(self.head, place.head) if place.mark else self.head.startswith(place.head)
        return alike and self.on_disk.mark(place.position) == place.mark

    def precedes(self, place: Place) -> bool:
        """Whether this file is a copy that was made when less was written than was read in the end."""
        return agree(self.head, place.head) and self.size < place.position

    def chunks(self, *, live: bool, final: bool = False) -> Iterator[Chunk]:
        """What is left up to the present end, whole lines only; if `final`, also a last line without its newline."""
        if self.identity is None and (hole := self.on_disk.hole()) != self.runs[0][0]:
            self.resume(None, [(hole, None)])
        end = self.on_disk.size()
        while True:
            piece = self._piece(end, final=final)
            # Checked after reading and before yielding: what was read before a truncation is nobody's any more.
            self.truncated = not self._intact()
            if piece is None or self.truncated:
                return
            yield self._advance(*piece, live=live)

    def may_be_copied(self, head: bytes) -> bool:
        """Whether a file with these first bytes may be a copy of this one, as it is or as it was before a truncation.

        For a head that was read before this call: a copy is there before its model is truncated.
        """
        now = self.on_disk.head()
        return now.startswith(head) or self.head.startswith(head) or (not now.startswith(self.head) and head.startswith(self.head))

    def _piece(self, end: int, *, final: bool) -> tuple[bytes, int] | None:
        """The next bytes to yield and how many were left out behind them; None if there is no whole line."""
        start, behind = self.runs[0]
        stop, complete = (end, final) if behind is None else (behind, True)
        size = 0 if self._scanned > start else self.on_disk.read(self._window, start, stop)
        cut = self._window.whole(size)
        if not cut and (size > self._window.longest or self._scanned > start):
            return self._overlong(start, stop, complete=complete)
        if not cut and complete and start + size == stop:
            cut = size
        return (self._window.taken(cut), 0) if cut else None

    def _overlong(self, start: int, stop: int, *, complete: bool) -> tuple[bytes, int] | None:
        """Look for the end of an over-long line; what was looked through is not read again at the next poll."""
        if not self._intact():
            return None  # before looking through what may be a hole of any size
        at = max(self._scanned, start + self._window.longest)
        while size := self.on_disk.read(self._window, at, stop):
            newline = self._window.buffer.find(b"\n", 0, size)
            if newline >= 0:
                return self._abridged(start, at + newline + 1, b"\n")
            at += size
        self._scanned = at
        return self._abridged(start, at, b"") if complete and at == stop else None

    def _abridged(self, start: int, behind: int, newline: bytes) -> tuple[bytes, int]:
        data = self._window.taken(self.on_disk.read(self._window, start, start + self._window.longest)) + newline
        return data, behind - start - len(data)

    def _intact(self) -> bool:
        size, head = self.on_disk.size(), self.on_disk.head()
        if not head.startswith(self.head) or self.on_disk.mark(self.runs[0][0]) != self._mark:
            return False
        self.size, self.head = size, head
        return True

    def _advance(self, data: bytes, skipped: int, *, live: bool) -> Chunk:
        start, behind = self.runs[0]
        end = start + len(data) + skipped
        identity = self.identity = self.identity or self._coverage.mint(self.key, self.head[:end], start)
        self.runs[0] = (end, behind)
        if end == behind:
            self.runs.popleft()
            self._leave_behind()
        self._mark = self.on_disk.mark(self.runs[0][0]) if skipped or end == behind else (self._mark + data)[-MARK_BYTES:]
        return Chunk(identity, self.path, start, data, live, skipped)

    def _leave_behind(self) -> None:
        if self._next and len(self.runs) == 1:
            self.identity = self._next


def agree(head: bytes, other: bytes) -> bool:
    """Whether two files may begin alike: one may have been copied while it was shorter than HEAD_BYTES."""
    return bool(head) and (head.startswith(other) or other.startswith(head))
