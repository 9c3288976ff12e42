"""A cut of the tables of faults and floods, with fewer lines and kills: `make faults` runs the whole of them."""

import pytest

from tests.faults.flooded import MOST_MB
from tests.faults.outcome import SHORT
from tests.faults.table import ROWS, flood, run

pytestmark = pytest.mark.slow


CUT = [
    "copytruncate, refilled at once",
    "kill -9, lines, started",
    "server away until the spool is full",
    "store on a full disk",
    "store file: random pages",
    "store file: newer",
    "a pod that comes and goes each second",
]
FLOOD_CUT = {"headers of 8 KB, 500 addresses in each": 6, "25,000 chains on one connection": 1, "a line of 100 MB": 10}
"""Of which one of so many parts."""


@pytest.mark.parametrize("name", CUT)
def test_every_line_is_stored_once_or_counted(name: str) -> None:
    if missing := ROWS[name].missing():
        pytest.skip(missing)
    outcome = run(ROWS[name], SHORT)
    assert outcome.is_green, outcome


@pytest.mark.needs("lab")
@pytest.mark.parametrize("name", FLOOD_CUT)
def test_a_flood_is_bounded_and_what_was_cut_is_counted(name: str) -> None:
    """But for how long answers take, which is measured where nothing else runs."""
    found = flood(name, FLOOD_CUT[name])
    assert (found.lines, found.wrong) == (found.stored + found.counted, "")
    assert found.peak_mb <= MOST_MB
