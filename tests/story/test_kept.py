"""A log at rest is read once, however often it is named."""

import subprocess
import sys
from pathlib import Path

from tests.truth.log import generate
from tests.truth.traffic import Shape
from tests.truth.world import TRUST
from unmasq.keep.duck import DuckStore

UNMASQ = str(Path(sys.executable).with_name("unmasq"))
LINES = 5_000


def test_a_second_run_over_the_same_log_stores_nothing_twice(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "store"
    log.write_bytes(generate(3, LINES, Shape()).data)
    argv = [UNMASQ, "run", "--once", "--input", str(log), "--store", str(folder), "--trust", ",".join(TRUST)]
    subprocess.run(argv, check=True, capture_output=True)
    before = requests(folder)
    assert b"read 0 lines" in subprocess.run(argv, check=True, capture_output=True).stderr
    assert requests(folder) == before


def requests(folder: Path) -> int:
    with DuckStore(folder, read_only=True) as store:
        return store.health().requests
