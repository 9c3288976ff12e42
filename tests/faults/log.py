"""A proxy's log as a program writes it: numbered lines of one length, at a steady rate, into whatever file it has open."""

import json
import os
import shutil
import time
from pathlib import Path

DAY_SECONDS = 86_400
TICK_SECONDS = 0.02


class Log:
    """The writer and its file. `written` is how many lines there are so far."""

    def __init__(self, path: Path, rate: int) -> None:
        self.path, self.written = path, 0
        self._per_tick = max(1, int(rate * TICK_SECONDS))
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, lines: int) -> None:
        """So many lines, a few each tick."""
        for begin in range(0, lines, self._per_tick):
            self.burst(min(self._per_tick, lines - begin))
            time.sleep(TICK_SECONDS)

    def burst(self, lines: int) -> None:
        """So many lines at once."""
        text = b"".join(line(number) for number in range(self.written, self.written + lines))
        assert os.write(self._file, text) == len(text)
        self.written += lines

    def halves(self, seconds: float) -> None:
        """One line in two parts, so long apart."""
        text = line(self.written)
        os.write(self._file, text[: len(text) // 2])
        time.sleep(seconds)
        os.write(self._file, text[len(text) // 2 :])
        self.written += 1

    def rename(self) -> None:
        """What a rotation does first: the writer goes on in the renamed file."""
        self.path.rename(self.path.with_name(f"{self.path.name}.{time.time_ns()}"))

    def unlink(self) -> None:
        """As `rename`, but the file is gone once nobody has it open."""
        self.path.unlink()

    def reopen(self) -> None:
        """What the writer does when it is told: a new file under the old name."""
        os.close(self._file)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def copytruncate(self) -> None:
        """The other way to rotate: a copy, and the same file emptied."""
        shutil.copy(self.path, self.path.with_name(f"{self.path.name}.{time.time_ns()}"))
        os.ftruncate(self._file, 0)

    def close(self) -> None:
        os.close(self._file)


def line(number: int) -> bytes:
    """A line without a port, which waits for no connection; each third one is of yesterday."""
    seconds = time.time() - (DAY_SECONDS if number % 3 == 0 else 0)
    payload = {
        "source_port": "", "destination_ip": "10.0.0.80", "destination_port": "80", "source_ip": "192.0.2.1",
        "x-forwarded-for": f"100.64.{number % 100 + 100}.{number % 150 + 100}", "x-real-ip": "", "ts": f"{seconds:.3f}",
        "uri": f"/line/{number:08d}",
    }  # fmt: skip
    return b"unmasq: " + json.dumps(payload).encode() + b"\n"


LENGTH = len(line(0))
"""Bytes of each line."""
