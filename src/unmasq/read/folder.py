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
        if self._lookout.due(self.path, now_us, unsettled=False):
            try:
                with os.scandir(self.path) as entries:
                    self._names, self._failed = sorted(entry.name for entry in entries), False
            except OSError:
                self._counters.add("pods_unreadable", int(not self._failed), "folder")
                self._names, self._failed = [], True
        return self._names
