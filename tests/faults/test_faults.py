"""A cut of the table of faults, with fewer lines and kills: `make faults` runs the whole of it."""

import os

import pytest

from tests.faults.outcome import SHORT
from tests.faults.table import ROWS, run

pytestmark = pytest.mark.slow


CUT = ["copytruncate, refilled at once", "kill -9, lines, started", "store on a full disk", "store file: random pages", "store file: newer"]


@pytest.mark.parametrize("name", CUT)
def test_every_line_is_stored_once_or_counted(name: str) -> None:
    if ROWS[name].needs_root and os.geteuid():
        pytest.skip("root rights are missing: it mounts a small file system")
    outcome = run(ROWS[name], SHORT)
    assert outcome.is_green, outcome
