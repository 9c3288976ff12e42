"""When to look around for new files: listing a folder at every poll would cost more than reading."""

from pathlib import Path

_SETTLE_US = 2_000_000  # the time of a folder advances in steps, and a rotation takes a while


class Lookout:
    """Watches the time of a folder, which changes whenever a name in it comes or goes."""

    def __init__(self) -> None:
        self._changed_ns: int | None = None
        self._until_us = 0

    def due(self, folder: Path, now_us: int, *, unsettled: bool) -> bool:
        """Whether the folder changed, or something in it was `unsettled`, within the last seconds. Raises OSError where it is gone."""
        changed_ns = folder.stat().st_mtime_ns
        if unsettled or changed_ns != self._changed_ns:
            self._changed_ns, self._until_us = changed_ns, now_us + _SETTLE_US
        return now_us <= self._until_us

    def look_again(self) -> None:
        """Be due at the next chance, whatever the folder says."""
        self._changed_ns = None
