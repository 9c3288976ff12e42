"""A log held open: what is on disk, read by offset; and why a log cannot be opened."""

import errno
import os
import stat

from unmasq.base.errors import InputError
from unmasq.read.coverage import HEAD_BYTES, Key
from unmasq.read.lines import Window

MARK_BYTES = 64


class Descriptor:
    """As long as it is open, nobody can reuse the file's inode. Methods raise OSError."""

    def __init__(self, path: str, *, follow: bool) -> None:
        """Open a regular file, through symlinks if `follow`. Raises InputError."""
        self._number = _open(path, follow=follow)
        self._closed = False
        status = os.fstat(self._number)
        self.key: Key = (status.st_dev, status.st_ino)
        self.changed_ns = status.st_mtime_ns

    def size(self) -> int:
        """How many bytes the file has."""
        return os.fstat(self._number).st_size

    def unlinked(self) -> bool:
        """Whether the file has no name any more."""
        return os.fstat(self._number).st_nlink == 0

    def head(self) -> bytes:
        """The first bytes, at most HEAD_BYTES."""
        return os.pread(self._number, HEAD_BYTES, 0)

    def mark(self, position: int) -> bytes:
        """The bytes before an offset, at most MARK_BYTES."""
        start = max(0, position - MARK_BYTES)
        return os.pread(self._number, position - start, start)

    def hole(self) -> int:
        """How many NULs come first: after a truncation, a writer without O_APPEND goes on at its old offset."""
        if not self.head().startswith(b"\0"):
            return 0
        try:
            at = os.lseek(self._number, 0, os.SEEK_DATA)
        except OSError as error:
            return self.size() if error.errno == errno.ENXIO else 0
        while block := os.pread(self._number, 1 << 16, at):
            if text := block.lstrip(b"\0"):
                return at + len(block) - len(text)
            at += len(block)
        return at

    def read(self, window: Window, start: int, stop: int) -> int:
        """Put the bytes [start, stop), or as many as there are and fit, into the window; returns how many."""
        if stop <= start:
            return 0
        with memoryview(window.buffer) as view:
            return os.preadv(self._number, [view[: stop - start]], start)

    def close(self) -> None:
        """Let the file go; nothing can be read any more."""
        if not self._closed:
            os.close(self._number)
        self._closed = True


def _open(path: str, *, follow: bool) -> int:
    try:
        # Without O_NONBLOCK, opening a named pipe waits until somebody writes to it.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW))
    except FileNotFoundError as error:
        raise InputError(f"cannot read the log {path}", "there is no such file", "check the path") from error
    except PermissionError as error:
        next_step = "run as root, or as a member of the group that may read it"
        raise InputError(f"cannot read the log {path}", "this user may not read it", next_step) from error
    except OSError as error:
        raise InputError(f"cannot read the log {path}", error.strerror or str(error)) from error
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return number
    os.close(number)
    if stat.S_ISDIR(mode):
        raise InputError(f"cannot read the log {path}", "it is a directory", "name a file in it")
    raise InputError(f"cannot read the log {path}", "it is a pipe or a device", "give its text to standard input, and - as the path")
