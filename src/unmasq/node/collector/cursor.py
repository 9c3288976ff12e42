"""Where reading goes on after a restart, for a peer that does not know: a small file beside the log, `.NAME.unmasq`.

It names the files of the log that were read lately, each with the number of its first bytes that need not be read again.
"""

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path

from unmasq.base.notes import Notes
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import FileIdentity

_MOST_BYTES = 1 << 16


class Cursor:
    """Of one log. What cannot be read or written is told and counted (`collector_cursor_failed`), and done without."""

    def __init__(self, log: str, counters: Counters, notes: Notes) -> None:
        folder, name = os.path.split(log)
        self._path, self._making = (Path(folder) / f".{name}.unmasq{suffix}" for suffix in ("", ".new"))
        self._counters, self._notes = counters, notes
        self._saved: dict[FileIdentity, int] = {}

    def load(self) -> dict[FileIdentity, int]:
        """What was saved last; nothing where there is none."""
        try:
            with self._path.open("rb") as file:
                self._saved = _offsets(file.read(_MOST_BYTES))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, RecursionError) as error:
            self._failed("read", error)
        return dict(self._saved)

    def save(self, offsets: Mapping[FileIdentity, int]) -> None:
        """Save these instead, if they are others: on disk when it returns, or as they were."""
        if not offsets or offsets == self._saved:
            return
        data = json.dumps([[file.device, file.inode, file.fingerprint, offset] for file, offset in offsets.items()]).encode()
        try:
            self._replace(data)
            self._saved = dict(offsets)
        except OSError as error:
            self._failed("written", error)

    def _replace(self, data: bytes) -> None:
        descriptor = os.open(self._making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor, so that no link is followed
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        self._making.rename(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _failed(self, what: str, error: Exception) -> None:
        reason = errno.errorcode.get(error.errno or 0, "unknown") if isinstance(error, OSError) else "garbage"
        self._counters.add("collector_cursor_failed", reason=reason)
        why = (error.strerror or str(error)) if isinstance(error, OSError) else "it is garbage"
        self._notes.warn("cursor", f"{self._path} cannot be {what}: {why}; reports of what is written while we are away may be lost")


def _offsets(data: bytes) -> dict[FileIdentity, int]:
    """Raises ValueError for what no cursor holds."""
    found: dict[FileIdentity, int] = {}
    rows = json.loads(data)
    for row in rows if isinstance(rows, list) else [None]:
        match row:
            case [int(device), int(inode), str(fingerprint), int(offset)] if min(device, inode, offset) >= 0:
                found[FileIdentity(device, inode, fingerprint)] = offset
            case _:
                raise ValueError
    return found
