"""The table of faults: every row there is, run and told."""

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults import damage, disks, kills, rotation
from tests.faults.outcome import Outcome, Row, Rows, Size

ROWS: Rows = {**rotation.ROWS, **kills.ROWS, **disks.ROWS, **damage.ROWS}
_HEADS = ("fault", "written", "stored", "counted", "twice", "recovered", "fail2ban, pyinotify, CrowdSec", "")


def run(row: Row, size: Size) -> Outcome:
    """In a folder of its own: short, since sockets are in it."""
    with TemporaryDirectory(prefix="um-") as folder:
        return row.run(Path(folder), size)


def told(names: Iterable[str], size: Size) -> Iterator[tuple[str, Outcome]]:
    """The outcome of each row, said on standard error as it comes."""
    for name in names:
        began = time.monotonic()
        outcome = run(ROWS[name], size)
        verdict = "green" if outcome.is_green else "RED"
        print(f"{verdict:5} {name} ({time.monotonic() - began:.0f} s) {outcome.wrong}", file=sys.stderr, flush=True)
        yield name, outcome


def markdown(outcomes: Iterable[tuple[str, Outcome]]) -> str:
    """The outcomes as a table."""
    lines = [_HEADS, ("---",) * len(_HEADS)]
    for name, each in outcomes:
        figures = (each.written, each.stored, each.dropped, each.twice)
        verdict = "green" if each.is_green else f"RED {each.wrong}"
        lines.append((name, *(f"{figure:,}" for figure in figures), f"{each.seconds:.1f} s", ROWS[name].peers, verdict))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
