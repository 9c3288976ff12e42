"""`make demo`: it stays when it is told to, its commands can be run as printed, and a signal leaves nothing behind."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.__main__ import shown

from .deadline import until
from .namespace import NAMES

ROOT = Path(__file__).parents[2]
LAST = "to take it away."

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the demo with standard input at its end."""
    started: list[subprocess.Popen[bytes]] = []

    def demo(**environment: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "said").open("wb") as said:
            settings = {**os.environ, "TMPDIR": str(tmp_path), **environment}
            argv = [sys.executable, "-m", "demo"]
            started.append(subprocess.Popen(argv, cwd=ROOT, env=settings, stdin=subprocess.DEVNULL, stdout=said, stderr=said))
        return started[0]

    yield demo
    for process in started:
        process.terminate()
        process.wait(30)


def left_behind(process: subprocess.Popen[bytes], folder: Path) -> list[str]:
    """Namespaces and folders of a demo that has ended."""
    return [path.name for path in (*NAMES.glob(f"um{process.pid}-*"), *folder.glob("unmasq-demo-*"))]


@pytest.mark.needs("lab")
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_kept(start: Start, tmp_path: Path, kind: signal.Signals) -> None:
    process, said = start(KEEP="1"), tmp_path / "said"
    until(lambda: LAST in said.read_text() or process.poll() is not None, "the demo to stay", 90)
    assert process.poll() is None, said.read_text()
    command = next(line for line in said.read_text().splitlines() if line.endswith("/store") and " trace " in line)
    assert "client of" in subprocess.run(shlex.split(command), check=True, capture_output=True, text=True).stdout
    process.send_signal(kind)
    assert process.wait(30) == 0
    assert "Traceback" not in said.read_text()
    assert left_behind(process, tmp_path) == []


@pytest.mark.needs("lab")
def test_a_signal_amid(start: Start, tmp_path: Path) -> None:
    process, said = start(), tmp_path / "said"
    until(lambda: "conntrack id" in said.read_text(), "the first requests", 60)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 128 + signal.SIGINT
    assert "Traceback" not in said.read_text()
    assert left_behind(process, tmp_path) == []


def test_no_command_is_printed_for_a_store_that_is_gone() -> None:
    answer = "near        nobody\nnext        unmasq flows --store /gone\n"
    assert shown(answer, kept=False) == "near        nobody\n"
    assert shown(answer, kept=True).splitlines()[1].split()[1] == str(Path(sys.executable).with_name("unmasq"))
