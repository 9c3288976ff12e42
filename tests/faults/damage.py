"""Files of the store that are damaged, cut, foreign, newer or unreadable while nobody has them open."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.contract.harm import DAMAGE, newer
from tests.faults.host import Host
from tests.faults.outcome import Outcome, Row, Rows, Run, Size
from tests.lab.deadline import until

_MEASURED = ("garbage", "cut in half", "random pages")  # of others, too

Harm = Callable[[Path], None]


def _damaged(harm: Harm) -> Run:
    """Yesterday's file is harmed while nobody runs: today stays readable, and what the file held is read again from the log.

    Somebody asks, which finds also what nobody reads who writes; what is set aside while it runs is read again at the next start.
    """

    def run(folder: Path, size: Size) -> Outcome:
        with Host(folder, size) as host:
            host.log.write(size.lines // 2)
            host.settle()
            host.stop()
            harm(min(host.store.glob("flows-*.duckdb")))
            host.start()
            found = host.health()
            host.log.write(size.lines // 2)
            with suppress(TimeoutError):
                until(lambda: _aside(host.store), "the file to be set aside", 30)
            host.stop()
            host.start()
            return host.outcome(_said(found.flows, found.unreadable, host.store))

    return run


def _said(flows: int, unreadable: dict[str, str], store: Path) -> str:
    if not flows:
        return "the other day cannot be read"
    if len(unreadable) != 1:
        return "the damaged file is not named"
    return "" if _aside(store) else "the damaged file is not set aside"


def _aside(store: Path) -> list[Path]:
    return list(store.glob("*.damaged"))


def _refused(harm: Harm, mend: Harm, sentence: str) -> Run:
    """A file that is only not to be used is never touched: who would write to it does not begin, and says why.

    Whoever asks gets the other days.
    """

    def run(folder: Path, size: Size) -> Outcome:
        with Host(folder, size) as host:
            host.log.write(size.lines // 2)
            host.settle()
            host.stop()
            day = min(host.store.glob("flows-*.duckdb"))
            harm(day)
            before, found = _bytes(host.store), host.health()
            ended = host.program.start().process
            code = ended.wait(60) if ended else 0
            is_told = code and sentence in host.program.said()
            is_kept = found.flows and found.unreadable and _bytes(host.store) == before
            mend(day)
            host.start()
            return host.outcome("" if is_told and is_kept else "it was not refused with a sentence")

    return run


def _bytes(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.glob("flows-*") if path.is_file()}


def _hidden(day: Path) -> None:
    """A link that leads round in a circle cannot be opened, not by root either."""
    day.rename(day.with_suffix(".away"))
    day.symlink_to(day.name)


def _shown(day: Path) -> None:
    day.unlink()
    day.with_suffix(".away").rename(day)


_PEERS = "ban is back; -; does not start"
ROWS: Rows = {f"store file: {name}": Row(_damaged(harm), _PEERS if name in _MEASURED else "") for name, harm in DAMAGE.items()} | {
    "store file: newer": Row(_refused(newer, lambda day: newer(day, by=0), "newer unmasq")),
    "store file: cannot be opened": Row(_refused(_hidden, _shown, "cannot")),
}
