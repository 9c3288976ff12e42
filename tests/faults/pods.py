"""A pod that comes and goes: its log is there for a second, and is deleted with it."""

import shutil
import time
from pathlib import Path

from tests.crash.runtime import frame
from tests.faults.host import Host
from tests.faults.log import TICK_SECONDS, line
from tests.faults.outcome import Outcome, Row, Rows, Size

_LIFE_SECONDS = 1.0


def _each_second(folder: Path, size: Size) -> Outcome:
    """One after the other, each with a name and a log of its own, which is full at once or a second long."""
    pods = folder / "pods"
    pods.mkdir()
    with Host(folder, size, reads=("--pods", "shop/web-*", "--pod-logs", str(pods))) as host:
        per_pod, last = int(size.rate * _LIFE_SECONDS), None
        for number in range(max(2, size.lines // per_pod)):
            root = pods / f"shop_web-{number}_0b9f5c4e-{number}"
            _live(host, root / "nginx", per_pod)
            if last:
                shutil.rmtree(last)
            last = root
        return host.outcome()


def _live(host: Host, container: Path, lines: int) -> None:
    container.mkdir(parents=True)
    with (container / "0.log").open("ab", buffering=0) as log:
        per_tick = max(1, int(lines * TICK_SECONDS / _LIFE_SECONDS))
        for _ in range(0, lines, per_tick):
            log.write(b"".join(frame(line(number).rstrip(b"\n"), "F") for number in range(host.log.written, host.log.written + per_tick)))
            host.log.written += per_tick
            time.sleep(TICK_SECONDS)


ROWS: Rows = {"a pod that comes and goes each second": Row(_each_second)}
