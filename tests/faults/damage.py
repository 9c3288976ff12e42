"""Files of the store that are damaged, cut, foreign, newer or unreadable while nobody has them open."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import duckdb

from tests.faults.host import Host
from tests.faults.outcome import Outcome, Row, Rows, Run, Size
from unmasq.keep.day import schema

_CATALOGUE = 3 * 4096  # behind the headers of a DuckDB file

Harm = Callable[[Path], None]


def _garbage(path: Path) -> None:
    path.write_bytes(Random(1).randbytes(path.stat().st_size))


def _cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _pages(path: Path) -> None:
    """That of the catalogue, and some anywhere."""
    rng = Random(2)
    with path.open("r+b") as file:
        for at in (_CATALOGUE, *(rng.randrange(_CATALOGUE, path.stat().st_size) for _ in range(30))):
            file.seek(at)
            file.write(rng.randbytes(4096))


def _foreign(path: Path) -> None:
    path.unlink()
    with duckdb.connect(path) as other:
        other.execute("CREATE TABLE theirs AS SELECT 1")


def _newer(path: Path) -> None:
    with duckdb.connect(path) as base:
        base.execute(f"UPDATE meta SET value = '{schema.VERSION + 1}' WHERE name = 'schema'")


def _damaged(harm: Harm) -> Run:
    """Yesterday's file is harmed while nobody runs: today stays readable, and what the file held is read again from the log."""

    def run(folder: Path, size: Size) -> Outcome:
        with Host(folder, size) as host:
            host.log.write(size.lines // 2)
            host.settle()
            host.stop()
            harm(min(host.store.glob("flows-*.duckdb")))
            found = host.health()
            host.start()
            host.log.write(size.lines // 2)
            return host.outcome(_said(found.flows, found.unreadable, host.store))

    return run


def _said(flows: int, unreadable: dict[str, str], store: Path) -> str:
    if not flows:
        return "the other day cannot be read"
    if len(unreadable) != 1:
        return "the damaged file is not named"
    return "" if list(store.glob("*.damaged")) else "the damaged file is not set aside"


def _refused(folder: Path, size: Size) -> Outcome:
    """A newer file is never touched: who would write to it does not begin, and says why; whoever asks gets the other days."""
    with Host(folder, size) as host:
        host.log.write(size.lines // 2)
        host.settle()
        host.stop()
        day = min(host.store.glob("flows-*.duckdb"))
        _newer(day)
        before, found = day.read_bytes(), host.health()
        ended = host.program.start().process
        code = ended.wait(60) if ended else 0
        is_told = code and "newer unmasq" in host.program.said()
        wrong = "" if found.flows and found.unreadable and is_told and day.read_bytes() == before else "it was not refused with a sentence"
        with duckdb.connect(day) as base:
            base.execute(f"UPDATE meta SET value = '{schema.VERSION}' WHERE name = 'schema'")
        host.start()
        return host.outcome(wrong)


ROWS: Rows = {
    "store file: garbage": Row(_damaged(_garbage), "ban is back; -; does not start"),
    "store file: cut in half": Row(_damaged(_cut), "ban is back; -; does not start"),
    "store file: random pages": Row(_damaged(_pages), "ban is back; -; does not start"),
    "store file: of another program": Row(_damaged(_foreign)),
    "store file: newer": Row(_refused),
}
