"""The files that a log was rotated to: which they are, what is left to read of them, and when nobody writes there any more.

Two files that begin with the same 256 bytes are taken for copies of one another, as `logrotate copytruncate` makes them.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from unmasq.base.errors import InputError
from unmasq.read.coverage import Coverage, Key, missing
from unmasq.read.logfile import LogFile, Place, agree
from unmasq.read.siblings import rotated_later, siblings

_KEPT_OPEN = 4
_REMEMBERED = 10_000


class Rotated:
    """The followed files beside the named one, and where the others were left."""

    def __init__(self, coverage: Coverage, opened: Callable[[str], LogFile]) -> None:
        self.files: list[LogFile] = []
        self.unsettled = False
        self._coverage = coverage
        self._opened = opened
        self._left: dict[Key, Place] = {}
        self._cut_off: list[Place] = []

    def resume(self, path: str, named: LogFile | None, *, with_rotated: bool) -> None:
        """Take up the files of an earlier run and those that are newer; the others were there before us and are not ours.

        Where nothing is known of the log, `with_rotated` makes all of them ours.
        """
        unknown = [file for file in self._open_all(path, named) if not self._resume_same(file)]
        unknown = [file for file in unknown if not self._resume_copy(file, named)]
        with_rotated &= not self.files and (named is None or named.identity is None)
        ours = [*self.files, *(file for file in unknown if self._coverage.reused(file.key))]
        for file in unknown:
            if named is not None and named.may_be_copied(file.head):
                file.on_disk.close()  # perhaps still in the making
            elif not self._coverage.seen(file.head) and (with_rotated or any(_as_new(file, other) for other in ours)):
                self.files.append(file)
            else:
                self._leave(file, Place(file.head, b"", None, None))

    def _resume_same(self, file: LogFile) -> bool:
        identity = self._coverage.find(file.key, file.head)
        if identity is not None:
            file.resume_kept(identity)
            self.files.append(file)
        return identity is not None

    def _resume_copy(self, file: LogFile, named: LogFile | None) -> bool:
        taken = {other.identity for other in [*self.files, *([named] if named else [])]}
        identity = self._coverage.find_copy(file.head, taken)
        if identity is not None:
            file.resume(identity, self._coverage.left(identity))
            self.files.append(file)
        return identity is not None

    def scan(self, paths: Iterable[str], named: LogFile | None) -> None:
        """Find files that appeared since: what had the name between two polls, or the late copy of a truncated file."""
        self.unsettled = False
        for path in paths:
            for file in self._open_all(path, named):
                self._take(file, named)

    def recover(self, place: Place, path: str, named: LogFile) -> int:
        """Follow the copy that was made of a file before it was truncated. Returns the copy's size, 0 if there is none yet."""
        for file in self._open_all(path, named):
            fits = file.continues(place)
            if fits and place.identity is not None:
                self._continue(file, place)
            else:
                file.on_disk.close()  # of a file of which no line was read, the next scan takes the copy for a new file
            if fits:
                return file.size
        if place.identity is not None:
            self._cut_off = [*self._cut_off, place][-_KEPT_OPEN:]
        return 0

    def has_copy(self, path: str, named: LogFile) -> bool:
        """Whether a file beside it begins in the same way and is longer: then it was truncated, not cut by a power failure."""
        copied = False
        for file in self._open_all(path, named):
            copied |= file.size > named.size and agree(file.head, named.head)
            file.on_disk.close()
        return copied

    def again(self, file: LogFile) -> LogFile:
        """The same file, but as it is followed already or placed where it was left."""
        for followed in self.files:
            if followed.key == file.key:
                file.on_disk.close()
                self.files.remove(followed)
                return followed
        place = self._left.get(file.key)
        if place and place.runs is not None and file.continues(place):
            file.resume(place.identity, place.runs)
        return file

    def quiet(self, now_us: int, grace_us: int) -> list[LogFile]:
        """Files that nobody wrote to for longer than this, if they have no name any more or are not among the newest few."""
        silent = [file for file in self.files if file.active_us is not None and now_us - file.active_us > grace_us]
        return [file for file in silent if file.on_disk.unlinked() or file not in self.files[-_KEPT_OPEN:]]

    def leave(self, file: LogFile) -> None:
        """Close a file and remember where reading stopped."""
        if file in self.files:
            self.files.remove(file)
        self._leave(file, file.place())

    def close(self) -> None:
        """Close all files."""
        for file in self.files:
            file.on_disk.close()

    def _open_all(self, path: str, named: LogFile | None) -> Iterator[LogFile]:
        """The siblings that are not followed yet. What vanishes meanwhile, or cannot be read, is left out."""
        try:
            paths = siblings(path)
        except OSError:
            return
        for sibling in paths:
            try:
                file = self._opened(sibling)
            except InputError:
                continue
            if any(file.key == other.key for other in [*self.files, *([named] if named else [])]):
                file.on_disk.close()
            else:
                yield file

    def _take(self, file: LogFile, named: LogFile | None) -> None:
        """Follow a file from where it was left, or from its beginning if it is new; close it if it is not ours to read."""
        place = self._place(file)
        if place is None and self._unclear(file, named):
            file.on_disk.close()
        elif place := place or self._original(file):
            self._continue(file, place)
        else:
            self.files.append(file)

    def _place(self, file: LogFile) -> Place | None:
        """Where this file was left; None if it never was, or if its inode is used again."""
        place = self._left.get(file.key)
        return place if place and agree(file.head, place.head) else None

    def _original(self, file: LogFile) -> Place | None:
        """Where reading stopped in the truncated file whose copy this is."""
        return next(chain(filter(file.continues, self._cut_off), filter(file.precedes, self._cut_off)), None)

    def _continue(self, file: LogFile, place: Place) -> None:
        if place.runs is None or not missing(place.runs, 0, file.size):
            self._leave(file, place)
        else:
            file.resume(place.identity, place.runs)
            self.files.append(file)

    def _unclear(self, file: LogFile, named: LogFile | None) -> bool:
        """Whether an unknown file may be a copy of a known one, perhaps still being made."""
        followed = [*self.files, *([named] if named else [])]
        unclear = not file.head or any(other.may_be_copied(file.head) for other in followed)
        self.unsettled |= unclear
        return unclear or any(place.head.startswith(file.head) for place in self._left.values())

    def _leave(self, file: LogFile, place: Place) -> None:
        self._left.pop(file.key, None)
        if place.head:
            self._left[file.key] = place
        if len(self._left) > _REMEMBERED:
            del self._left[next(iter(self._left))]
        file.on_disk.close()


def _as_new(file: LogFile, other: LogFile) -> bool:
    # Times alone would not do: somebody may have written late to the older file.
    return file.changed_ns >= other.changed_ns or rotated_later(file.path, other.path)
