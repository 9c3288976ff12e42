"""The logs that are measured: made once a run, of the traffic that the truth tests use."""

import os
from pathlib import Path

import numpy as np

from bench.kernel import events
from tests.truth.log import generate
from tests.truth.traffic import Shape

SEED = 7


class Logs:
    """Files in one folder, each made when it is first asked for. BENCH_LINES says how long they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines = int(os.environ.get("BENCH_LINES", "300000"))

    def ordinary(self) -> Path:
        """The reference workload: 0 to 4 hops, 12 % IPv6, attackers, 0.2 % broken lines."""
        return self._log("ordinary", Shape(pool=max(1000, self.lines // 4)))

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
