"""Lines that a server writes to its log from now on."""

from pathlib import Path

from .deadline import until


class NewLines:
    """The lines of one file that come after this object was made. The file may not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = path.stat().st_size if path.exists() else 0

    def now(self) -> list[bytes]:
        """Whole lines so far, without their ends."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._start)
            return file.read().split(b"\n")[:-1]

    def wait(self, count: int = 1, seconds: float = 10.0) -> list[bytes]:
        """All new lines, as soon as there are `count`; a log is written after the answer was sent."""
        return until(lambda: found if len(found := self.now()) >= count else [], f"{count} lines in {self.path}", seconds)
