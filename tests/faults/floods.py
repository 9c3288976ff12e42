"""What somebody sends who wants the memory, the time or the attention of whoever watches. Needs root: it makes a namespace."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.faults.drive import claimed
from tests.faults.flooded import Flooded, flooded
from tests.faults.site import READ, UNESCAPED, UNREAD, Site, site
from unmasq.model.filter import FlowFilter

_CALM_SECONDS = 10
_HALVES = 50
_MEGABYTE = 1_000_000


class Flood(NamedTuple):
    """How much comes, and how fast; whole or, in a test, in part."""

    amount: int
    a_second: int

    def part(self, of: int) -> "Flood":
        """One of so many parts."""
        return Flood(self.amount // of, self.a_second)


class FloodRow(NamedTuple):
    """A flood of so much, how it is made, and what its counters begin with that say what was cut."""

    flood: Flood
    run: Callable[[Path, Flood, "FloodRow"], Flooded]
    cuts: tuple[str, ...] = ("window_closed_early",)

    def cut(self, counters: Mapping[str, int]) -> Mapping[str, int]:
        """What was cut, by counter."""
        return {name: count for name, count in counters.items() if count and name.startswith(self.cuts)}


def _requests(kind: str, connections: int) -> Callable[[Path, Flood, FloodRow], Flooded]:
    """Requests without pause on some kept connections; an address that the last of them claims is found afterwards."""

    def run(folder: Path, flood: Flood, row: FloodRow) -> Flooded:
        def drive(port: int, count: int) -> None:
            made.drive(kind, count, flood.a_second, connections, port)

        unescaped = folder / "unescaped.log"
        unescaped.touch()
        with site(folder, [unescaped]) as made:
            port = UNESCAPED if kind == "injected" else READ
            found = flooded(made, lambda: drive(port, flood.amount), lambda: drive(UNREAD, flood.a_second * _CALM_SECONDS), row.cut)
            return found if kind in ("marked", "injected") else _with_last(made, found, flood.amount)

    return run


def _with_last(made: Site, found: Flooded, count: int) -> Flooded:
    with made.asked() as backend:
        is_found = backend.trace(claimed(count - 1), FlowFilter(claim=(claimed(count - 1),)), is_quick=True).found
    return found if is_found or found.wrong else found._replace(wrong="what came last is not found")


def _connections(folder: Path, flood: Flood, row: FloodRow) -> Flooded:
    """Each of one request, so that each line has a connection of its own to find."""

    with site(folder) as made:
        seconds = flood.amount // flood.a_second
        calm = partial(made.connect, flood.a_second, _CALM_SECONDS, UNREAD)
        return flooded(made, partial(made.connect, flood.a_second, seconds), calm, row.cut)


def _one_line(folder: Path, flood: Flood, row: FloodRow) -> Flooded:
    """Of so many bytes, so many a second, and then its newline."""

    def write() -> None:
        with log.open("ab") as file:
            for _ in range(flood.amount // _MEGABYTE):
                file.write(b"x" * _MEGABYTE)
                file.flush()
                time.sleep(_MEGABYTE / flood.a_second)
            file.write(b"\n")

    log = folder / "other.log"
    log.touch()
    with site(folder, [log]) as made:
        return flooded(made, write, lambda: time.sleep(_CALM_SECONDS), row.cut)


def _half_lines(folder: Path, flood: Flood, row: FloodRow) -> Flooded:
    """Logs that each hold half of a line of almost the longest there may be, which grows by some bytes a second and never ends."""

    def write() -> None:
        ends = time.monotonic() + flood.amount / flood.a_second
        files = [log.open("ab", buffering=0) for log in logs]
        for file in files:
            file.write(b"unmasq: {" + b"x" * 900_000)
        while time.monotonic() < ends:
            for file in files:
                file.write(b"x")
            time.sleep(0.1)
        for file in files:
            file.close()

    logs = [folder / f"half-{number}.log" for number in range(_HALVES)]
    for log in logs:
        log.touch()
    with site(folder, logs) as made:
        return flooded(made, write, lambda: time.sleep(_CALM_SECONDS), row.cut)


FLOODS: Mapping[str, FloodRow] = {
    "1,000,000 claimed addresses": FloodRow(Flood(1_000_000, 10_000), _requests("claims", 8)),
    "headers of 8 KB, 500 addresses in each": FloodRow(
        Flood(30_000, 1000), _requests("long", 4), ("window_closed_early", "requests_many_claims")
    ),
    "25,000 chains on one connection": FloodRow(Flood(25_000, 3000), _requests("claims", 1), ("requests_others",)),
    "1,000,000 connections": FloodRow(Flood(1_000_000, 5000), _connections, ("window_", "conntrack_lost")),
    "our marker in every field": FloodRow(Flood(50_000, 2000), _requests("marked", 4), ("window_closed_early", "lines_rejected")),
    "a second source_ip in every line": FloodRow(Flood(40_000, 2000), _requests("injected", 4), ("window_closed_early", "lines_rejected")),
    "a line of 100 MB": FloodRow(Flood(100_000_000, 10_000_000), _one_line, ("tail_skipped_bytes", "lines_rejected")),
    "50 logs of slow half lines": FloodRow(Flood(20, 1), _half_lines, ()),
}
