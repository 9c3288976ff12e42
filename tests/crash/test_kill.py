"""`unmasq run` killed with -9 at random moments of load and started again: counted line by line, 0 lost, 0 stored twice."""

import json
import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.crash.shipping import stored
from tests.lab import topology as at
from tests.lab.cluster import Lab
from tests.lab.running import QUICK, Running

pytestmark = [pytest.mark.needs("lab"), pytest.mark.slow]
KILLS = 30
RATE = 1000  # lines a second
DAY_SECONDS = 86_400


class Writer(threading.Thread):
    """Writes numbered lines at a steady rate: of today and of yesterday, some of them of connections that nobody ever sees."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.path, self.count, self._stop_writing = path, 0, threading.Event()

    def run(self) -> None:
        with self.path.open("ab", buffering=0) as file:
            while not self._stop_writing.wait(0.02):
                file.write(b"".join(self._line(n) for n in range(self.count, self.count + RATE // 50)))
                self.count += RATE // 50

    def finish(self) -> int:
        """Stop; the number of lines written."""
        self._stop_writing.set()
        self.join()
        return self.count

    def _line(self, n: int) -> bytes:
        seconds = time.time() - (DAY_SECONDS if n % 3 == 0 else 0)
        port = "" if n % 2 else str(20_000 + n % 1000)  # a line without a port waits for nothing
        payload = {
            "source_port": port, "destination_ip": at.INGRESS, "destination_port": "80", "source_ip": at.C1,
            "x-forwarded-for": f"100.64.{n % 200}.{n % 250}", "x-real-ip": "", "ts": f"{seconds:.3f}", "uri": f"/line/{n}",
        }  # fmt: skip
        return b"unmasq: " + json.dumps(payload).encode() + b"\n"


def test_no_line_is_lost_or_stored_twice_over_thirty_kills(lab: Lab, tmp_path: Path) -> None:
    lab.network.switches(on=True)
    rng = random.Random(int(os.environ.get("UNMASQ_SEED", "20261124")))
    log = tmp_path / "log"
    log.touch()
    writer = Writer(log)
    writer.start()
    for _ in range(KILLS):
        with Running(lab, tmp_path / "store", log, "--from-start", *QUICK) as running:
            with pytest.raises(subprocess.TimeoutExpired):
                running.process.wait(0.2 + 1.3 * rng.random())
            running.process.send_signal(signal.SIGKILL)
        assert [path for path in (tmp_path / "store").iterdir() if path.stat().st_mode & 0o077] == []
    written = writer.finish()
    with Running(lab, tmp_path / "store", log, "--from-start", *QUICK) as running:
        running.process.terminate()
        assert running.process.wait(240) == 0
    counts = stored(tmp_path / "store")
    assert len(list((tmp_path / "store").glob("flows-*.duckdb"))) == 2
    assert sum(counts.values()) == written
    assert len(counts) == written
