"""The loop of a program that works until it is told to stop, and bears a store that cannot be written for a while."""

import signal
import threading
import time
from collections.abc import Callable

from unmasq.base.errors import StoreError
from unmasq.base.telemetry import Counters
from unmasq.cli import output as out

_PAUSE_SECONDS = 1.0  # between two tries to write what could not be written
_LOOK_SECONDS = 0.5
"""How long nobody may look: the kernel may give a signal to any thread, and Python's handler waits until the main one wakes."""


class Turns:
    """Rounds of work until SIGTERM or SIGINT, also one that came before the first round.

    `trouble` says why nothing can be written now; a person is told once, and once when it can be
    written again.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self.trouble: str | None = None
        self.stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop.set())

    def run(self, turn: Callable[[], None]) -> None:
        """Take turns until a signal comes."""
        while not self.stop.is_set():
            try:
                turn()
                self._recover()
            except StoreError as error:
                self._bear(error)
                self.pause(_PAUSE_SECONDS)

    def pause(self, seconds: float) -> None:
        """Wait so long, or until a signal comes."""
        until = time.monotonic() + seconds
        while not self.stop.is_set() and (left := until - time.monotonic()) > 0:
            self.stop.wait(min(left, _LOOK_SECONDS))

    def _recover(self) -> None:
        if self.trouble is not None:
            out.note("there is room again: what waited is written, and the work goes on")
        self.trouble = None

    def _bear(self, error: StoreError) -> None:
        if self.trouble is None:
            out.note(str(error))
        self.trouble = ": ".join(filter(None, (error.what, error.why)))
        self._counters.add("store_failed")
