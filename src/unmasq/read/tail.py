"""Follow one log through everything that happens to logs: every line exactly once, or counted as lost.

Polled from outside: no thread, no sleep and no clock in here. Renamed files are drained while anybody writes to them,
truncated ones are taken up again (what was not read yet is looked for in the copy), and files that had the log's name
only between two polls are found beside it. Counters: `tail_rotations` (`replaced`: the path names another file, `truncated`),
`tail_lost_bytes` (`truncated`: gone before they were read), `tail_missing` (times the path could not be followed),
`tail_unreadable` (by errno), `tail_skipped_bytes` (`too_long`), `tail_reread_bytes` (at start, for want of a commit).
"""

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from unmasq.base.errors import InputError
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.read.coverage import Coverage, Key, missing
from unmasq.read.lines import Window
from unmasq.read.logfile import LogFile
from unmasq.read.lookout import Lookout
from unmasq.read.rotation import Rotated

GRACE_US = 60_000_000
_LIVE_GAP_US = 10_000_000  # a line that is found after a longer pause may be as old as the pause


class Tail:
    """The log at `path`, read on from the byte runs that are `covered` already.

    Every byte that is not covered is read, of this file and of its rotated siblings that `covered` knows or that are newer
    than those. With nothing covered at all, reading starts at the end, or with `from_start` at the first line; `with_rotated`
    says that the rotated siblings of a log of which nothing is known are to be read too. `wait` for a log that does not exist
    yet. Tails that one thread polls may share a `window` and, given as `covered`, a Coverage. A chunk is live if a poll had
    come to the end of everything no more than 10 s before, so that its lines are no older. Raises InputError if the log can
    never be read.
    """

    def __init__(
        self,
        path: str,
        counters: Counters,
        covered: Mapping[FileIdentity, Sequence[tuple[int, int]]] | Coverage,
        *,
        from_start: bool = False,
        with_rotated: bool = False,
        wait: bool = False,
        window: Window | None = None,
        grace_us: int = GRACE_US,
    ) -> None:
        self.path = path
        self._counters = counters
        self._coverage = covered if isinstance(covered, Coverage) else Coverage(covered)
        self._window = window or Window.of()
        self._grace_us = grace_us
        self._rotated = Rotated(self._coverage, lambda sibling: self._opened(sibling, follow=False))
        self._lookout = Lookout()
        self._real = [os.path.realpath(path)]
        self._absent = ""
        self._polled_us: int | None = None
        self._caught_up = not from_start and not self._coverage
        self._current = None if wait and not os.path.lexists(path) else self._opened(path)
        self._start(from_start=from_start, with_rotated=with_rotated)

    @property
    def begun(self) -> Mapping[FileIdentity, int]:
        """Files first read by this process, with the offset of the first byte that is ours.

        To be committed no later than anything else, as the covered run [0, offset): otherwise a restart cannot tell a file
        of which nothing is kept yet from one that was never ours.
        """
        return self._coverage.begun

    @property
    def keys(self) -> set[Key]:
        """Device and inode of all files that are held open."""
        return {file.key for file in self._files}

    @property
    def is_gone(self) -> bool:
        """Whether none of its files has a name any more."""
        return all(file.on_disk.unlinked() for file in self._files)

    def poll(self, now_us: int) -> Iterator[Chunk]:
        """All whole lines that are there, oldest file first. `now_us` may be any clock that runs forward, in microseconds."""
        live = self._caught_up and (self._polled_us is None or now_us - self._polled_us <= _LIVE_GAP_US)
        self._caught_up, self._polled_us = False, now_us
        self._follow(now_us)
        for file in self._files:
            yield from self._drained(file, now_us, live=live)
        for file in self._rotated.quiet(now_us, self._grace_us):
            yield from self._drained(file, now_us, live=False, final=True)
            self._rotated.leave(file)
        self._caught_up = True

    def finish(self) -> Iterator[Chunk]:
        """The named file alone, to its end, with a last line that has no newline; if it grows later, that line is cut in two."""
        if self._current is not None:
            yield from self._drained(self._current, 0, live=False, final=True)

    def close(self) -> None:
        """Let all files go."""
        self._rotated.close()
        if self._current is not None:
            self._current.on_disk.close()
            self._current = None

    @property
    def _files(self) -> list[LogFile]:
        return [*self._rotated.files, *([self._current] if self._current else [])]

    def _opened(self, path: str, *, follow: bool = True) -> LogFile:
        return LogFile(path, self._window, self._coverage, follow=follow)

    def _start(self, *, from_start: bool, with_rotated: bool) -> None:
        named = self._current
        if named is not None:
            identity = self._coverage.find(named.key, named.head)
            if identity is not None and not (self._coverage.end(identity) > named.size and self._rotated.has_copy(self._real[0], named)):
                named.resume_kept(identity)
            elif not from_start and not self._coverage:
                named.start_at_end()
        self._rotated.resume(self._real[0], named, with_rotated=with_rotated)
        runs = [run for file in self._files for run in file.runs]
        self._counters.add("tail_reread_bytes", sum(behind - start for start, behind in runs if behind is not None))

    def _follow(self, now_us: int) -> None:
        """See what the path names now, and look around where files came or went."""
        try:
            status = Path(self.path).stat()
            if self._current is None or self._current.key != (status.st_dev, status.st_ino):
                self._switch(self._opened(self.path), now_us)
            self._absent = ""
        except (OSError, InputError) as error:
            self._away("missing" if isinstance(error, FileNotFoundError) else "unreadable")
        if self._is_unsettled(now_us):
            self._scan()

    def _is_unsettled(self, now_us: int) -> bool:
        """Whether there may be other files beside the one that the path names."""
        try:
            return self._lookout.due(Path(self._real[0]).parent, now_us, unsettled=self._rotated.unsettled)
        except OSError:  # the folder is gone, and a path that names nothing is counted already
            return False

    def _scan(self) -> None:
        try:
            self._rotated.scan(self._real, self._current)
        except OSError as error:
            self._unreadable(error)

    def _switch(self, opened: LogFile, now_us: int) -> None:
        if self._current is not None and opened.key == self._current.key:
            opened.on_disk.close()
            return
        file = self._rotated.again(opened)
        if self._current is not None:
            self._counters.add("tail_rotations", reason="replaced")
            self._current.active_us = now_us
            self._rotated.files.append(self._current)
        self._current = file
        self._real = list(dict.fromkeys([os.path.realpath(self.path), *self._real]))[:2]

    def _away(self, reason: str) -> None:
        if self._absent != reason:
            self._counters.add("tail_missing", reason=reason)
        self._absent = reason

    def _drained(self, file: LogFile, now_us: int, *, live: bool, final: bool = False) -> Iterator[Chunk]:
        size = file.size
        try:
            yield from self._counted(file.chunks(live=live, final=final))
            self._counters.add("tail_lost_bytes", max(0, size - file.size), "truncated")
            while file.truncated:
                followed = len(self._rotated.files)
                self._take_up(file)
                for copy in self._rotated.files[followed:]:
                    yield from self._drained(copy, now_us, live=live)
                yield from self._counted(file.chunks(live=live, final=final))
        except OSError as error:
            self._give_up(file, error)
        if file.active_us is None or file.size != size:
            file.active_us = now_us

    def _take_up(self, file: LogFile) -> None:
        """A truncated file: what was not read of it is in a copy, or lost; then it begins again."""
        place, size = file.place(), file.size
        self._counters.add("tail_rotations", reason="truncated")
        copied = self._rotated.recover(place, self._real[0], file)
        self._counters.add("tail_lost_bytes", missing(file.runs, copied, size), "truncated")
        file.begin_again()

    def _give_up(self, file: LogFile, error: OSError) -> None:
        """A file that cannot be read now: the next poll opens it again."""
        self._unreadable(error)
        if file is self._current:
            self._current = None
        self._rotated.leave(file)
        self._lookout.look_again()

    def _unreadable(self, error: OSError) -> None:
        self._counters.add("tail_unreadable", reason=errno.errorcode.get(error.errno or 0, "unknown"))

    def _counted(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            self._counters.add("tail_skipped_bytes", chunk.skipped, "too_long")
            yield chunk
