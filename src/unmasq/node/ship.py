"""A node's traffic with its server: what the spool holds goes there, oldest first, and settings come back.

The two know nothing of each other's failures: each has its own time and its own back-off.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import StoreError
from unmasq.base.safe import shortened, terminal
from unmasq.base.telemetry import Counters
from unmasq.keep.spool.batches import Spool
from unmasq.node.asking import SETTINGS, Asking
from unmasq.node.backoff import BackOff, seconds_until
from unmasq.node.order import Order
from unmasq.node.sending import BATCHES, LOOK_SECONDS, Sending
from unmasq.node.settings import Told
from unmasq.node.troubles import Troubles
from unmasq.node.upstream import Upstream

_LEAVE_SECONDS = 5.0


@dataclass
class _Task:
    turn: Callable[[], float]
    back_off: BackOff
    until_us: int = 0
    broken: str | None = None


class Shipper:
    """One step after another: `step` asks for settings and sends one batch where that is due, and says how long nothing is to be done.

    Counts as `Sending` and `Asking` do, and `ship_failed` by reason: each is tried again. Where the fault is here, that is
    `spool`, or `mistake`. `tell` gets a sentence when something begins to go wrong, and when it is well.
    """

    def __init__(
        self,
        spool: Spool,
        upstream: Upstream,
        told: Told,
        clock: Clock,
        counters: Counters,
        draw: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        """`draw` as for `BackOff`."""
        self._spool, self._clock, self._counters, self._tell = spool, clock, counters, tell
        self._troubles = Troubles(upstream.url, (BATCHES, SETTINGS), counters, tell)
        asking, sending = BackOff(draw), BackOff(draw)
        self._asks = Asking(told, upstream, counters, asking, self._troubles)
        self._asking = _Task(self._asks.turn, asking)
        self._sending = _Task(Sending(spool, upstream, Order(draw), clock, counters, sending, self._troubles).turn, sending)
        self.has_asked = threading.Event()
        """Set once the server was asked for settings, whatever became of it."""

    @property
    def trouble(self) -> str | None:
        """Why batches, or else settings, do not get through now."""
        return self.broken or self._troubles.worst

    @property
    def broken(self) -> str | None:
        """What fails here, whatever the server does."""
        return self._sending.broken or self._asking.broken

    def step(self) -> float:
        """Do what is due; returns the seconds until there may be more to do. Whatever fails is told, counted, and done again."""
        if self._asks.has_news:
            self._asking.until_us = 0
        asking_seconds = self._turned(self._asking)
        self.has_asked.set()
        return min(asking_seconds, self._turned(self._sending))

    def left(self) -> int:
        """Batches that the server does not have. Raises StoreError."""
        return self._spool.backlog().batches

    def _turned(self, task: _Task) -> float:
        left_seconds = seconds_until(task.until_us, self._clock.now_us())
        if left_seconds:
            return left_seconds
        try:
            seconds, broken = task.turn(), None
        except Exception as error:  # noqa: BLE001  # if this thread ended nothing would be sent any more, and nobody told
            seconds, broken = task.back_off.failed(), error
        self._note(task, broken)
        task.until_us = self._clock.now_us() + int(seconds * MICROSECONDS)
        return seconds

    def _note(self, task: _Task, error: Exception | None) -> None:
        """Tell when something breaks here, and when all works again."""
        before, task.broken = self.broken, _sentence(error) if error else None
        if error:
            self._counters.add("ship_failed", reason="spool" if isinstance(error, StoreError) else "mistake")
        if task.broken and not before:
            self._tell(f"sending to the server fails here, and is tried again: {task.broken}")
        if before and not self.broken:
            self._tell("sending to the server works again")


def _sentence(error: Exception) -> str:
    why = f"{error.what}: {error.why}" if isinstance(error, StoreError) else f"a mistake in unmasq, {type(error).__name__}: {error}"
    return shortened(terminal(why), 200)


class Shipping:
    """A shipper at work in a thread of its own while it is entered."""

    def __init__(self, shipper: Shipper) -> None:
        self._shipper = shipper
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="unmasq-ship", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(_LEAVE_SECONDS)  # a server that does not answer now holds nobody up: the spool has everything

    @property
    def broken(self) -> str | None:
        """Why nothing is sent, where the server is not the reason."""
        return self._shipper.broken if self._thread.is_alive() else "the thread that sends has ended"

    @property
    def trouble(self) -> str | None:
        """Why not everything gets through."""
        return self.broken or self._shipper.trouble

    def leave(self, seconds: float) -> None:
        """Give it so long to empty the spool, while all is well."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.trouble is None and self._shipper.left():
            time.sleep(LOOK_SECONDS / 4)

    def _run(self) -> None:
        wait_seconds = 0.0
        while not self._stop.wait(wait_seconds):
            wait_seconds = self._shipper.step()
