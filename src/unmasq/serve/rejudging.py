"""Judging stored flows again beside the work, with how far it is: whoever asked for it need not wait."""

import threading
from collections.abc import Callable

from msgspec import Struct, structs

from unmasq.base.errors import UnmasqError
from unmasq.serve.protocol import Rejudged, Told

Rejudge = Callable[[int | None, Told], Rejudged]


class Progress(Struct, frozen=True):
    """So many days of so many are done; `flows` were judged again by the one that ended, `trouble` says why it could not."""

    is_running: bool = False
    done: int = 0
    days: int = 0
    flows: int = 0
    trouble: str | None = None


class Rejudging:
    """One at a time. Any thread may ask."""

    def __init__(self, rejudge: Rejudge) -> None:
        self._rejudge, self._lock = rejudge, threading.Lock()
        self.progress = Progress()

    def start(self, since_us: int | None) -> Progress:
        """Begin, unless it goes on already."""
        with self._lock:
            if not self.progress.is_running:
                self.progress = Progress(is_running=True)
                threading.Thread(target=self._run, args=(since_us,), name="unmasq-rejudge", daemon=True).start()
            return self.progress

    def _run(self, since_us: int | None) -> None:
        ended = Progress(trouble="a mistake in unmasq: what the server printed tells more")
        try:
            found = self._rejudge(since_us, self._told)
            ended = Progress(done=found.days, days=found.days, flows=found.flows)
        except UnmasqError as error:
            ended = Progress(trouble=f"{error.what}: {error.why}")
        finally:
            self.progress = ended  # whatever happened: else nobody could begin again

    def _told(self, done: int, days: int) -> None:
        self.progress = structs.replace(self.progress, done=done, days=days)
