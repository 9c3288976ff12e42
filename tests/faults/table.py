"""The tables of faults and of floods: every row there is, run and told."""

import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from tests.faults import clocks, damage, disks, kernel, kills, pods, rotation
from tests.faults.flooded import MOST_MB, MOST_TIMES, Flooded
from tests.faults.floods import FLOODS
from tests.faults.outcome import Outcome, Row, Rows, Size

ROWS: Rows = {**rotation.ROWS, **kills.ROWS, **disks.ROWS, **damage.ROWS, **kernel.ROWS, **clocks.ROWS, **pods.ROWS}
_HEADS = ("fault", "written", "stored", "counted", "twice", "recovered", "fail2ban, pyinotify, CrowdSec", "")
_FLOOD_HEADS = ("flood", "lines", "stored", "counted", f"memory (<= {MOST_MB} MB)", "CPU", f"answers (<= {MOST_TIMES:g} times)", "cut", "")

Told = TypeVar("Told", Outcome, Flooded)


def run(row: Row, size: Size) -> Outcome:
    """In a folder of its own: short, since sockets are in it."""
    with TemporaryDirectory(prefix="um-") as folder:
        return row.run(Path(folder), size)


def flood(name: str, of: int = 1) -> Flooded:
    """A flood in a folder of its own, or one of so many parts of it."""
    row = FLOODS[name]
    with TemporaryDirectory(prefix="um-") as folder:
        found = row.run(Path(folder), row.flood.part(of), row)
    is_told = bool(found.cut or found.wrong or not row.cuts)
    return found if is_told else found._replace(wrong="no counter says what was cut")


def told(names: Iterable[str], make: Callable[[str], Told], broken: Callable[[str], Told]) -> Iterator[tuple[str, Told]]:
    """What became of each row, said on standard error as it comes; `broken` is what becomes of one that ends with such an error."""
    for name in names:
        began = time.monotonic()
        try:
            outcome = make(name)
        except Exception as error:  # noqa: BLE001  # a row that breaks is red, and the others are run
            traceback.print_exc()
            outcome = broken(f"{type(error).__name__}: {error}".splitlines()[0])
        verdict = "green" if outcome.is_green else "RED"
        print(f"{verdict:5} {name} ({time.monotonic() - began:.0f} s) {outcome.wrong}", file=sys.stderr, flush=True)
        yield name, outcome


def faults_table(outcomes: Iterable[tuple[str, Outcome]]) -> str:
    """In Markdown."""
    return _markdown(_HEADS, [(name, *_fault(each), ROWS[name].peers, _verdict(each)) for name, each in outcomes])


def floods_table(outcomes: Iterable[tuple[str, Flooded]]) -> str:
    """In Markdown; of answers the medians, beside the same load which nobody reads and beside the flood."""
    return _markdown(_FLOOD_HEADS, [(name, *_flood(each), _verdict(each)) for name, each in outcomes])


def _fault(each: Outcome) -> tuple[str, ...]:
    figures = (each.written, each.stored, each.dropped, each.twice)
    return (*(f"{figure:,}" for figure in figures), f"{each.seconds:.1f} s")


def _flood(each: Flooded) -> tuple[str, ...]:
    figures = (each.lines, each.stored, each.counted)
    cut = ", ".join(f"{name} {count:,}" for name, count in each.cut.items()) or "nothing"
    times = f"{each.calm_ms:.0f} -> {each.busy_ms:.0f} ms: {each.busy_ms / each.calm_ms:.1f} times"
    return (*(f"{figure:,}" for figure in figures), f"{each.peak_mb:.0f} MB", f"{each.cpu_seconds:.0f} s", times, cut)


def _verdict(each: Outcome | Flooded) -> str:
    return "green" if each.is_green else f"RED {each.wrong}"


def _markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ("---",) * len(heads), *rows))
