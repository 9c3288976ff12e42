"""A container's log at 5,000 lines a second, rotated ten times, and a reader that is killed in between: 0 lost, 0 twice."""

import contextlib
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import duckdb
import pytest

from tests.lab.deadline import until
from unmasq.keep.duck import DuckStore

pytestmark = pytest.mark.slow

UNMASQ = str(Path(sys.executable).with_name("unmasq"))
RUNTIME = str(Path(__file__).with_name("runtime.py"))
RATE, SECONDS, ROTATIONS, KILLS = 5000, 12, 10, 5
QUICK = ("--interval-seconds", "0.2", "--linger-seconds", "0.2", "--flush-seconds", "0.3")


def started(store: Path, root: Path) -> subprocess.Popen[bytes]:
    command = [UNMASQ, "run", "--pods", "shop/web-*", "--pod-logs", str(root), "--store", str(store), "--no-kernel", "--from-start", *QUICK]
    with (store.parent / "said").open("ab") as said:
        return subprocess.Popen(command, stdout=said, stderr=said)


def stored(store: Path) -> Counter[str]:
    """How often each path is stored, over all day files."""
    counts: Counter[str] = Counter()
    for day in store.glob("flows-*.duckdb"):
        with duckdb.connect(str(day), read_only=True) as base:
            question = "SELECT value, sum(requests) FROM asked JOIN texts ON text = path WHERE value LIKE '/line/%' GROUP BY value"
            counts.update({path: int(count) for path, count in base.execute(question).fetchall()})
    return counts


def covered_bytes(store: Path) -> int:
    """How many bytes of logs the day files cover."""
    with DuckStore(store, read_only=True) as kept:
        return sum(end - start for file in kept.covered() for start, end in file.runs)


def answers(store: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as asking, contextlib.suppress(OSError):
        asking.connect(str(store / "api.sock"))  # the socket of a killed owner is still there, and refuses
        return True
    return False


def ended(process: subprocess.Popen[bytes]) -> None:
    """End it as systemd does; it reads and writes what is there."""
    process.terminate()
    assert process.wait(60) == 0


@pytest.mark.parametrize("kills", [0, KILLS])
def test_no_line_is_lost_or_stored_twice(tmp_path: Path, kills: int) -> None:
    folder = tmp_path / "pods" / "shop_web-1_0b9f5c4e" / "nginx"
    folder.mkdir(parents=True)
    log, store, rng = folder / "0.log", tmp_path / "store", random.Random(20261125)
    log.touch()
    reader = started(store, tmp_path / "pods")
    runtime = subprocess.Popen([sys.executable, RUNTIME, str(log), str(RATE), str(SECONDS), str(ROTATIONS)], stdout=subprocess.PIPE)
    try:
        for _ in range(kills):
            until(partial(answers, store), "the reader to answer", 30)
            time.sleep(rng.uniform(0.2, 1.5))
            reader.send_signal(signal.SIGKILL)
            reader.wait()
            reader = started(store, tmp_path / "pods")
        written = int(runtime.communicate(timeout=120)[0])
        until(partial(answers, store), "the reader to answer", 30)
        ended(reader)
    finally:
        for process in (runtime, reader):
            process.kill()
            process.wait()
    assert len(list(folder.iterdir())) == ROTATIONS + 1
    assert covered_bytes(store) == sum(path.stat().st_size for path in folder.iterdir())
    counts = stored(store)
    assert [n for n in range(written) if f"/line/{n}" not in counts] == []
    assert {path: count for path, count in counts.items() if count != 1} == {}
    assert len(counts) == written
