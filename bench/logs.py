"""The logs that are measured: made once a run, of the traffic that the truth tests use."""

import os
import time
from pathlib import Path

import numpy as np

from bench.kernel import events
from tests.truth.log import generate
from tests.truth.traffic import Shape

SEED = 7
_BEGAN = 1_795_262_400


class Logs:
    """Files in one folder, each made when it is first asked for. BENCH_LINES says how long they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines = int(os.environ.get("BENCH_LINES", "300000"))

    def ordinary(self) -> Path:
        """The reference workload: 0 to 4 hops, 12 % IPv6, attackers, 0.2 % broken lines."""
        return self._log("ordinary", Shape(pool=max(1000, self.lines // 4)))

    def framed(self) -> Path:
        """The ordinary log as a container runtime writes it: a frame around each line, 2 % of them in two parts."""
        path = self.folder / "framed.log"
        if not path.exists():
            with self.ordinary().open("rb") as lines, path.open("wb") as log:
                log.writelines(_frames(number, line) for number, line in enumerate(lines))
        return path

    def flood(self) -> Path:
        """The same with addresses in the headers that no line had before."""
        return self._log("flood", Shape(is_flood=True))

    def connections(self) -> Path:
        """What the kernel would have said about the connections of the ordinary log."""
        self.ordinary()
        return self.folder / "ordinary.npz"

    def _log(self, name: str, shape: Shape) -> Path:
        path = self.folder / f"{name}.log"
        if not path.exists():
            log = generate(SEED, self.lines, shape)
            path.write_bytes(log.data)
            np.savez(path.with_suffix(".npz"), allow_pickle=False, **events(log.connections).as_dict())
        return path


def _frames(number: int, line: bytes) -> bytes:
    second, nanosecond = divmod(number * 12_345_679, 10**9)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(_BEGAN + second)).encode() + (b".%09d" % nanosecond).rstrip(b"0.") + b"Z"
    if number % 50:
        return stamp + b" stdout F " + line
    return stamp + b" stdout P " + line[:100] + b"\n" + stamp + b" stdout F " + line[100:]
