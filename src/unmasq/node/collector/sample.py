"""The end of a log, looked at once: what is in it, without following it."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unmasq.base.errors import InputError
from unmasq.model.ingress import Chunk, FileIdentity, Reject, unmarked
from unmasq.read.formats.lines import LineReader

_BYTES = 1 << 16


class Sample(NamedTuple):
    """Whole lines, how many of them came without our marker, and how many were rejected, by reason."""

    read: int
    unmarked: int
    rejected: dict[str, int]


def sample(path: Path, now_us: int) -> Sample:
    """The whole lines in the last 64 KiB of a log. Raises InputError."""
    data = _end(path)
    if not data:
        return Sample(0, 0, {})
    lines = LineReader().read(Chunk(FileIdentity(0, 0, ""), str(path), 0, data, live=False), now_us)
    reasons, counts = np.unique(lines.reject, return_counts=True)
    rejected = {Reject(reason).label or "": count for reason, count in zip(reasons.tolist(), counts.tolist(), strict=True) if reason}
    return Sample(len(lines), int(unmarked(lines).sum()), rejected)


def _end(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its writer
            raise InputError(f"cannot read {path}", "it is no plain file")
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _BYTES))
            data = file.read(_BYTES)
    except OSError as error:
        raise InputError(f"cannot read {path}", str(error.strerror)) from None
    first = data.find(b"\n") + 1 if size > _BYTES else 0
    return data[first : data.rfind(b"\n") + 1]
