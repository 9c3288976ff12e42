"""`unmasq run` as its user starts it, on the lab's log and kernel, and the other verbs beside it."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from .cluster import Lab
from .deadline import until

UNMASQ = str(Path(sys.executable).with_name("unmasq"))
QUICK = ("--interval-seconds", "0.2", "--linger-seconds", "0.2", "--wait-seconds", "1.5", "--flush-seconds", "0.3")
"""Everything that waits, shortened: the order of events is the same."""


class Running:
    """One `unmasq run` process, from its first answer on. `host`: whose kernel it watches."""

    def __init__(self, lab: Lab, store: Path, log: Path, *more: str, host: str = "node") -> None:
        self.lab, self.store = lab, store
        watched = str(lab.network.namespace_path(host))
        self._argv = [UNMASQ, "run", "--input", str(log), "--store", str(store), "--namespace", watched, *more]

    def __enter__(self) -> Self:
        self._said = (self.store.parent / f"{self.store.name}.said").open("wb")
        self.process = subprocess.Popen(self._argv, stdout=self._said, stderr=self._said)
        until(self._answers, "unmasq run to answer", 20)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self._said.close()

    def said(self) -> str:
        """What it printed so far."""
        return Path(self._said.name).read_text()

    def asked(self, *words: str, host: str | None = None, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Another verb on the same store, on this machine or on a host of the lab."""
        argv: Sequence[str] = [UNMASQ, *words, "--store", str(self.store)]
        if host is not None:
            argv = ["ip", "netns", "exec", self.lab.network.namespace(host), *argv]
        return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=seconds)

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"unmasq run ended: {self.said()}")
        with socket.socket(socket.AF_UNIX) as asking, contextlib.suppress(OSError):
            asking.connect(str(self.store / "api.sock"))  # the socket of a killed owner is still there, and refuses
            return True
        return False
