"""Programs that the lab starts, and their end: by pid, kindly first, and never longer than a few seconds."""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from .deadline import until

PATIENCE_SECONDS = 3.0
ENVIRONMENT = {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}
"""Ours, and where Debian keeps daemons and network tools, which is not in everybody's PATH."""


class Processes:
    """What was started here. Each is the leader of its own session, so Ctrl-C reaches only us, who end it in order."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program; standard input is empty unless asked for otherwise."""
        settings = {"stdin": subprocess.DEVNULL, "env": ENVIRONMENT, **options}
        process = subprocess.Popen(argv, start_new_session=True, **settings)
        self._started.append(process)
        return process

    def end(self) -> None:
        """End all of them, the youngest first."""
        while self._started:
            end(self._started.pop())


def run(argv: Sequence[str], given: str = "", seconds: float = 30) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, `given` on its standard input. RuntimeError with what it wrote if it fails."""
    done = subprocess.run(argv, input=given, capture_output=True, text=True, timeout=seconds, check=False, env=ENVIRONMENT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.strip() or done.stdout}")
    return done


def ip_batch(lines: Sequence[str], namespace: str | None = None) -> None:
    """Run these lines of `ip` commands, in a namespace or in none, as one program."""
    inside = ["-n", namespace] if namespace else []
    if lines:
        run(["ip", *inside, "-batch", "-"], "".join(f"{line}\n" for line in lines))


def end(process: subprocess.Popen[bytes], kindly: int = signal.SIGTERM) -> None:
    """End one program that we started and collect it. Twice is fine."""
    if process.poll() is None:
        process.send_signal(kindly)
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with its workers, which may outlive a killed parent
            process.wait(PATIENCE_SECONDS)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def end_inhabitants(namespaces: Sequence[str]) -> None:
    """End whoever lives in these namespaces, except ourselves, who may be visiting."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        pids = [pid for name in namespaces for pid in _inhabitants(name) if pid != os.getpid()]
        if not pids:
            return
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, kind)
        try:
            until(_all_gone(namespaces), "processes inside the lab to end", PATIENCE_SECONDS)
        except TimeoutError:
            continue


def _all_gone(namespaces: Sequence[str]) -> Callable[[], bool]:
    return lambda: not any(pid != os.getpid() for name in namespaces for pid in _inhabitants(name))


def _inhabitants(namespace: str) -> list[int]:
    return [int(pid) for pid in run(["ip", "netns", "pids", namespace]).stdout.split()]
