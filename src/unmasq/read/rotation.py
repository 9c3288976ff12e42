"""The files that a log was rotated to: which they are, what is left to read of them, and when nobody writes there any more.

Two files that begin with the same 256 bytes are taken for copies of one another, as `logrotate copytruncate` makes them.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator

from unmasq.base.errors import InputError
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.read.coverage import Coverage, Key, missing
from unmasq.read.logfile import LogFile, Place

_ROTATED = r"[._-](\d[\dTZ._:+-]*|old|prev)"
_KEPT_OPEN = 4
_REMEMBERED = 10_000


def siblings(path: str) -> list[str]:
    """Paths of the uncompressed regular files that look like `path` rotated (name.1, name-20261122, ...), oldest first."""
    folder, name = os.path.split(os.path.realpath(path))
    stem, dot, extension = name.rpartition(".")
    looks = re.compile(f"{re.escape(name)}{_ROTATED}|{re.escape(stem)}{_ROTATED}{re.escape(dot + extension)}")
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if looks.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)]
        return [entry.path for entry in sorted(found, key=lambda entry: entry.stat(follow_symlinks=False).st_mtime_ns)]


class Rotated:
    """The followed files beside the named one, and where the others were left."""

    def __init__(self, coverage: Coverage, opened: Callable[[str], LogFile]) -> None:
        self.files: list[LogFile] = []
        self.unsettled = False
        self._coverage = coverage
        self._opened = opened
        self._left: dict[Key, Place] = {}
        self._cut_off: list[Place] = []

    def resume(self, path: str, named: LogFile | None) -> None:
        """Take up the files of an earlier run and those that are newer; the others were there before us and are not ours."""
        unknown = self._resumed(self._open_all(path, named), lambda file: self._coverage.find(file.key, file.head, file.size))
        unknown = self._resumed(unknown, lambda file: self._coverage.find_copy(file.head, file.size, self._identities(named)))
        oldest_ns = min((file.changed_ns for file in self.files), default=None)
        for file in unknown:
            if oldest_ns is None or file.changed_ns < oldest_ns or self._coverage.seen(file.head):
                self._leave(file, Place(file.head, None, None))
            else:
                self.files.append(file)

    def _identities(self, named: LogFile | None) -> set[FileIdentity | None]:
        return {file.identity for file in [*self.files, *([named] if named else [])]}

    def _resumed(self, files: Iterable[LogFile], identify: Callable[[LogFile], FileIdentity | None]) -> list[LogFile]:
        """Follow the files that can be identified, and return the others."""
        unknown = []
        for file in files:
            identity = identify(file)
            if identity is None:
                unknown.append(file)
            else:
                file.resume(identity, self._coverage.left(identity))
                self.files.append(file)
        return unknown

    def scan(self, paths: Iterable[str], named: LogFile | None) -> None:
        """Find files that appeared since: what had the name between two polls, or the late copy of a truncated file."""
        self.unsettled = False
        for path in paths:
            for file in self._open_all(path, named):
                self._take(file, named)

    def recover(self, place: Place, path: str, named: LogFile) -> int:
        """Follow the copy that was made of a file before it was truncated. Returns the copy's size, 0 if there is none yet."""
        if not place.head:
            return 0
        for file in self._open_all(path, named):
            known = self._left.get(file.key)
            if file.head.startswith(place.head) and (known is None or known.runs is None):
                self._continue(file, place)
                return file.size
            file.close()
        self._cut_off = [*self._cut_off, place][-_KEPT_OPEN:]
        return 0

    def again(self, file: LogFile) -> LogFile:
        """The same file, but as it is followed already or placed where it was left."""
        for followed in self.files:
            if followed.key == file.key:
                file.close()
                self.files.remove(followed)
                return followed
        place = self._left.get(file.key)
        if place and place.runs is not None and file.head.startswith(place.head):
            file.resume(place.identity, place.runs)
        return file

    def retire(self, now_us: int, grace_us: int) -> Iterator[Chunk]:
        """Let go of files that nobody wrote to for so long: the unlinked, and all but the newest few. Yields unended lines."""
        for file in list(self.files):
            quiet_us = 0 if file.active_us is None else now_us - file.active_us
            if quiet_us > grace_us and (file.unlinked() or file not in self.files[-_KEPT_OPEN:]):
                yield from file.chunks(live=False, final=True)
                self.leave(file)

    def leave(self, file: LogFile) -> None:
        """Close a file and remember where reading stopped."""
        if file in self.files:
            self.files.remove(file)
        self._leave(file, file.place())

    def close(self) -> None:
        """Close all files."""
        for file in self.files:
            file.close()

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
                file.close()
            else:
                yield file

    def _take(self, file: LogFile, named: LogFile | None) -> None:
        """Follow a file from where it was left, or from its beginning if it is new; close it if it is not ours to read."""
        place = self._left.get(file.key)
        if place and not _agree(file.head, place.head):
            place = None  # the inode is used again
        if place is None or place.runs is None:
            place = next((cut_off for cut_off in self._cut_off if file.head.startswith(cut_off.head)), place)
        if place:
            self._continue(file, place)
        elif self._unclear(file, named):
            file.close()
        elif early := next((cut_off for cut_off in self._cut_off if cut_off.head.startswith(file.head)), None):
            self._leave(file, early)  # a copy that was made before the file grew to what was seen of it
        else:
            self.files.append(file)

    def _continue(self, file: LogFile, place: Place) -> None:
        if place.runs is None or not missing(place.runs, 0, file.size):
            self._leave(file, place)
        else:
            self._cut_off = [other for other in self._cut_off if other is not place]
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
        file.close()


def _agree(head: bytes, other: bytes) -> bool:
    """Whether two files may begin alike: one may have been copied while it was shorter than HEAD_BYTES."""
    return bool(head) and (head.startswith(other) or other.startswith(head))
