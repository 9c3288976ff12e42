"""The names in a folder, listed again only after something came or went."""

import os
from pathlib import Path

from unmasq.base.telemetry import Counters
from unmasq.read.lookout import Lookout


class Folder:
    """A folder that may come, go, or be closed to us. Counter: `pods_unreadable` (`folder`)."""

    def __init__(self, path: Path, counters: Counters) -> None:
        self.path, self._counters = path, counters
        self._lookout, self._names = Lookout(), list[str]()
        self._failed = False

    def names(self, now_us: int) -> list[str]:
        """What is in it, sorted; nothing where it cannot be listed, which is counted once."""
        try:
            if self._lookout.due(self.path, now_us, unsettled=False):
                with os.scandir(self.path) as entries:
                    self._names, self._failed = sorted(entry.name for entry in entries), False
        except OSError:
            self._counters.add("pods_unreadable", int(not self._failed), "folder")
            self._names, self._failed = [], True
            self._lookout.look_again()
        return self._names

    @property
    def trouble(self) -> str | None:
        """Why it cannot be listed now. Any thread may ask."""
        try:
            os.scandir(self.path).close()
        except OSError as error:
            return f"{self.path}: {error.strerror}"
        return None
