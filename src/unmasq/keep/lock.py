"""One owner writes, or any number of readers read: a lock on the store's directory."""

import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Self

from unmasq.base.errors import StoreBusy, StoreError

NAME = "lock"
_PATIENCE_SECONDS = 2.0
_PAUSE_SECONDS = 0.05


class Lock:
    """Held from construction to `close`, or until the process ends, however it ends."""

    def __init__(self, folder: Path, *, exclusive: bool) -> None:
        """Raises StoreBusy where another process holds it, StoreError where there is no store to read, or no room to write."""
        self._file = _opened(folder, exclusive=exclusive)
        if not _taken(self._file, exclusive=exclusive):
            owner = os.pread(self._file, 20, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            raise _busy(folder, owner)
        if exclusive:
            _sign(self._file, folder)
        self._exclusive = exclusive

    def close(self) -> None:
        """Let others in."""
        if self._exclusive:
            os.ftruncate(self._file, 0)
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _taken(file: int, *, exclusive: bool) -> bool:
    """Whether we have it; an owner waits a moment for readers to be done."""
    deadline = time.monotonic() + (_PATIENCE_SECONDS if exclusive else 0)
    while True:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE_SECONDS)
        else:
            return True


def _sign(file: int, folder: Path) -> None:
    """Write whose it is, for whoever finds it taken. Closes the file where that fails."""
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        os.close(file)
        raise _unwritable(folder, error) from None


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{folder} cannot be opened or written", str(error.strerror), "its disk may be full: make room; what it holds is kept"
    )


def _opened(folder: Path, *, exclusive: bool) -> int:
    try:
        if exclusive:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _not_opened(folder, error, exclusive=exclusive) from None


def _not_opened(folder: Path, error: OSError, *, exclusive: bool) -> StoreError:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return StoreError(f"{folder} cannot be a store", "it is, or lies below, a file and no directory", "name a directory")
    if isinstance(error, FileNotFoundError) and not exclusive:
        return StoreError(f"there is no store in {folder}", "nothing was ever written there", "unmasq run --store DIR fills one")
    if isinstance(error, PermissionError):
        what, user = "write to" if exclusive else "read", os.geteuid()
        return StoreError(f"cannot open the store in {folder}", f"user {user} may not {what} it", "run as its owner, or change its rights")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _unwritable(folder, error)
    return StoreError(f"cannot open the store in {folder}", str(error.strerror), "name a directory that can be written")


def _busy(folder: Path, owner: str) -> StoreBusy:
    if owner:
        return StoreBusy(
            f"another process has the store in {folder} open", f"process {owner} owns it", "ask that process, or stop it first"
        )
    return StoreBusy(f"another process reads the store in {folder}", "nobody can write meanwhile", "try again when it is done")
