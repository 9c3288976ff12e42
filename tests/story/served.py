"""`serve` and `run` as their users start them: what they print on either output, and who asks them."""

import os
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx2

from tests.lab.deadline import until

WORDS = [sys.executable, "-c", "from unmasq.cli import main; main()"]
LINE = (
    'unmasq: {{"source_port": "", "destination_ip": "10.0.0.80", "destination_port": 80, "source_ip": "{}", '
    '"x-forwarded-for": "-", "x-real-ip": "-"}}\n'
)


def unmasq(*argv: str) -> subprocess.CompletedProcess[str]:
    """One run of the program to its end."""
    return subprocess.run([*WORDS, *argv], check=False, capture_output=True, text=True, timeout=60)


class Served:
    """A verb that serves pages, from `with` to its end. What it prints goes to files, as under a supervisor."""

    def __init__(self, folder: Path, verb: str, *argv: str) -> None:
        folder.mkdir(exist_ok=True)
        self.store, self._out, self._err = folder / "store", folder / "out", folder / "err"
        self._argv = [*WORDS, verb, "--store", str(self.store), *argv]

    def __enter__(self) -> Self:
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(self._argv, stdout=out, stderr=err)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(30)

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def link(self) -> str:
        """The line on standard output, once it is there."""
        until(lambda: self.out.endswith("\n") or self.process.poll() is not None, "a link to be printed", 60)
        assert self.process.poll() is None, self.err
        [line] = self.out.splitlines()
        return line

    def browser(self, authority: Path | None = None) -> httpx2.Client:
        """Nobody yet, at the address of the link."""
        verify = ssl.create_default_context(cafile=authority) if authority else True
        return httpx2.Client(base_url=self.link().partition("/login")[0], trust_env=False, timeout=20, verify=verify)

    def stop(self) -> float:
        """Tell it to stop; how many seconds that took. It must end well."""
        began = time.monotonic()
        os.kill(self.process.pid, signal.SIGTERM)
        assert self.process.wait(30) == 0, self.err
        return time.monotonic() - began


def following(folder: Path) -> tuple[str, ...]:
    """Flags by which `run` reads a log in the folder that grows, without a kernel, and hands on at once."""
    folder.mkdir(exist_ok=True)
    log = folder / "log"
    log.touch()
    return ("--input", str(log), "--from-start", "--no-kernel", "--linger-seconds", "0.2", "--wait-seconds", "1", "--interval-seconds", "1")
