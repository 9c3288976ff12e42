"""The room that a log takes on the disk, and giving some of it back."""

import ctypes
import errno
import os
from pathlib import Path

from unmasq.base.telemetry import Counters
from unmasq.model.ingress import FileIdentity

_BLOCK = 4096
_STAYS = 1 << 16  # before the place where reading goes on: a tail knows its file by those bytes as well
_LEAST = 1 << 20  # not worth a call
_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_libc = ctypes.CDLL(None, use_errno=True)


def occupied_bytes(path: str) -> int:
    """What the file takes on the disk; 0 where there is none."""
    try:
        return Path(path).stat().st_blocks * 512
    except OSError:
        return 0


def give_back(path: str, identity: FileIdentity, kept: int, counters: Counters) -> int:
    """Free the blocks of most of the first `kept` bytes, if `path` still names that file; returns how many bytes became free.

    The first block stays, since a file is known by its first bytes, and the length of the file. Counts what a file system
    refuses (`collector_give_back_failed`, by errno).
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        counters.add("collector_give_back_failed", reason=errno.errorcode.get(error.errno or 0, "unknown"))
        return 0
    try:
        status = os.fstat(descriptor)
        end = max(0, kept - _STAYS) // _BLOCK * _BLOCK
        is_same = (status.st_dev, status.st_ino) == (identity.device, identity.inode) and status.st_size >= kept
        # Blocks that are free already are not counted again: what is left to free is less than the file occupies.
        if not is_same or end - _BLOCK < _LEAST or status.st_blocks * 512 - (status.st_size - end) < _LEAST:
            return 0
        _punch(descriptor, _BLOCK, end - _BLOCK, counters)
        return max(0, status.st_blocks - os.fstat(descriptor).st_blocks) * 512
    finally:
        os.close(descriptor)


def _punch(descriptor: int, start: int, length: int, counters: Counters) -> None:
    failed = _libc.fallocate(descriptor, _KEEP_SIZE | _PUNCH_HOLE, ctypes.c_int64(start), ctypes.c_int64(length))
    if failed:
        counters.add("collector_give_back_failed", reason=errno.errorcode.get(ctypes.get_errno(), "unknown"))
