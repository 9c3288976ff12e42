"""`unmasq collect` beside a proxy that logs 100 lines a second: the memory that it holds and the part of a core that it takes."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.figure import Figure, limit
from bench.logs import Logs
from tests.lab.deadline import until
from tests.lab.usage import memory_mb, resident_mb, used_seconds
from tests.story.peers import Collecting, Felix, Node, short_folder, write

RATE = 100  # lines a second
_WARM_SECONDS = 3  # until everything is imported and connected
_SECONDS = 30
_BEAT_SECONDS = 0.05
_COMMIT_SECONDS = 5
_IMPORTS = "import cyclopts, grpc, numpy, prometheus_client, google.protobuf.message; print(open('/proc/self/status').read())"


def figures(_logs: Logs) -> Iterator[Figure]:
    """To our own node, and to a peer that knows only reports, of which there is one a connection and interval."""
    imports = resident_mb(subprocess.run([sys.executable, "-c", _IMPORTS], capture_output=True, text=True, check=True).stdout)
    with short_folder() as folder, Node(folder / "run") as node:
        committed = [time.monotonic()]
        yield from _measured("lines to a node", Load(folder, 5000, lambda: _turn(node, committed)), node.socket, imports)
        until(lambda: len(node.lines()) >= RATE * _SECONDS, "all lines to arrive")
    for connections in (20, 5000):
        with short_folder() as folder, Felix(folder / "s") as felix:
            name = "reports to Felix" if connections < RATE else "reports to Felix, a connection a line"
            yield from _measured(name, Load(folder, connections, lambda: None), felix.path, imports, is_promised=connections < RATE)
            until(partial(getattr, felix, "reports"), "reports to arrive")


def _turn(node: Node, committed: list[float]) -> None:
    """What a node does: take what is there, commit it some seconds later."""
    node.poll()
    if time.monotonic() - committed[0] > _COMMIT_SECONDS:
        committed[0] = time.monotonic()
        node.keep()


class Load(NamedTuple):
    """A proxy that logs in a folder, of requests on so many connections; `turn` is done meanwhile."""

    folder: Path
    connections: int
    turn: Callable[[], object]

    @property
    def log(self) -> Path:
        """What it writes."""
        return self.folder / "log"

    def last(self, seconds: float) -> None:
        """Write that long."""
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            some = range(number, number + int(RATE * _BEAT_SECONDS))
            write(self.log, *(self._line(n) for n in some))
            number = some.stop
            self.turn()
            time.sleep(_BEAT_SECONDS)

    def _line(self, number: int) -> bytes:
        port, client = 1024 + number % self.connections, f"100.64.{number % 250}.{number % 199}"
        return (
            '10.0.0.9 - - [21/Nov/2026:12:00:00 +0000] "GET /search HTTP/1.1" 200 512 "-" "Mozilla/5.0" tigera_secure_ee_ingress: '
            f'{{"source_port": {port}, "destination_ip": "10.244.1.10", "destination_port": 80, "source_ip": "10.0.0.9", '
            f'"x-forwarded-for": "{client}, 10.1.1.1", "x-real-ip": "-"}}\n'
        ).encode()


def _measured(name: str, load: Load, target: Path, imports: float, *, is_promised: bool = True) -> Iterator[Figure]:
    load.log.touch()
    with Collecting(load.log, target, INGRESS_LOG_INTERVAL_SECONDS="5") as collecting:
        until(lambda: collecting.ask("/readyz")[0] == 200, "the collector to be connected", 20)
        load.last(_WARM_SECONDS)
        before, began = used_seconds(collecting.process.pid), time.monotonic()
        load.last(_SECONDS)
        percent = 100 * (used_seconds(collecting.process.pid) - before) / (time.monotonic() - began)
        resident = memory_mb(collecting.process.pid)
    yield limit(f"collector, {name}: resident", resident, 75, "MB", f"its imports alone {imports:.0f} MB")
    core = f"collector, {name}: of a core at {RATE} lines/s"
    yield limit(core, percent, 1, "%") if is_promised else Figure(core, f"{percent:.3g} %")
