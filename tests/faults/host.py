"""`unmasq run` of one log, as its user starts it: killed, stopped, started again, and asked what it has."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.crash.shipping import Program, stored
from tests.faults.log import LENGTH, Log
from tests.faults.outcome import Outcome, Size
from tests.lab.deadline import until
from tests.lab.running import QUICK
from unmasq.base.clock import SystemClock
from unmasq.base.errors import UnmasqError
from unmasq.keep.shapes import Health
from unmasq.model.health import NodeStatus
from unmasq.serve.backend import open_backend

_PATIENCE_SECONDS = 60


class Host:
    """One host, while it is entered: its log, its store, and the process between them."""

    def __init__(
        self,
        folder: Path,
        size: Size,
        *,
        store: Path | None = None,
        log: Path | None = None,
        reads: Sequence[str] = (),
        inside: Sequence[str] = (),
    ) -> None:
        """`log` is where the proxy writes, `reads` what is read instead of that, `inside` what starts it."""
        self.store = store or folder / "store"
        self.log = Log(log or folder / "access.log", size.rate)
        reads = reads or ("--input", str(self.log.path))
        always = ("--from-start", "--no-kernel", "--listen", "none", *QUICK)
        self.program = Program(folder / "said", "run", "--store", str(self.store), *reads, *always, inside=inside)
        self._lost = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.program.kill()
        self.log.close()

    def start(self) -> None:
        """Begin, and wait until it answers."""
        self.program.start()
        until(self._status, "unmasq run to answer", _PATIENCE_SECONDS)

    def stop(self) -> None:
        """End in order; what it counted is remembered."""
        self._lost = self._lost_now()
        self.program.finish()

    def kill(self) -> None:
        """End as a crash does; what it counted is gone with it, and counted again by the next one."""
        self.program.kill()

    def health(self) -> Health:
        with open_backend(self.store, SystemClock()) as asked:
            return asked.health()

    def counted(self, name: str) -> int:
        """A counter of the process, over all its reasons."""
        status = self._status()
        return status.count(name) if status else 0

    def outcome(self, wrong: str = "") -> Outcome:
        """Once every line is stored or counted, or waiting for it is in vain."""
        seconds = self.settle()
        self.stop()
        counts = stored(self.store)
        twice = sum(count - 1 for count in counts.values())
        return Outcome(self.log.written, len(counts), self._lost // LENGTH, twice, seconds, wrong)

    def settle(self) -> float:
        """Wait until every line is stored or counted, or waiting is in vain; seconds that it took."""
        began = time.monotonic()
        with contextlib.suppress(TimeoutError):
            until(self._is_settled, "every line to be stored or counted", _PATIENCE_SECONDS)
        return time.monotonic() - began

    def _is_settled(self) -> bool:
        return self.health().requests + self._lost_now() // LENGTH >= self.log.written

    def _lost_now(self) -> int:
        """Bytes that a counter says are lost."""
        return self._lost + self.counted("tail_lost_bytes")

    def _status(self) -> NodeStatus | None:
        try:
            with open_backend(self.store, SystemClock()) as asked:
                return asked.status()
        except UnmasqError:
            return None
