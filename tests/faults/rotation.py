"""Logs that are rotated under load, in every way, and readers that are stopped, killed and started again meanwhile."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.host import Host
from tests.faults.log import Log
from tests.faults.outcome import Outcome, Row, Rows, Run, Size

ROTATIONS = 3
LATE = 20
"""Lines that the writer adds to the old file after each rotation, as nginx does until it is told."""


def _renamed(log: Log) -> None:
    log.rename()
    log.burst(LATE)
    log.reopen()


def _renamed_created_late(log: Log) -> None:
    log.rename()
    log.burst(LATE)
    time.sleep(0.5)  # meanwhile there is no file of that name
    log.reopen()


def _unlinked(log: Log) -> None:
    log.unlink()
    log.burst(LATE)
    log.reopen()


def _copied(log: Log) -> None:
    log.copytruncate()
    log.burst(LATE)


def _copied_and_refilled(log: Log) -> None:
    """At once past the size that it had: by its size alone it looks as if it had only grown."""
    before = log.path.stat().st_size
    log.copytruncate()
    while log.path.stat().st_size <= before:
        log.burst(LATE)


def _halved(log: Log) -> None:
    for _ in range(LATE):
        log.halves(0.3)


def _under_load(turn: Callable[[Log], None]) -> Run:
    def run(folder: Path, size: Size) -> Outcome:
        with Host(folder, size) as host:
            for _ in range(ROTATIONS):
                host.log.write(size.lines // (ROTATIONS + 1))
                turn(host.log)
            host.log.write(size.lines // (ROTATIONS + 1))
            return host.outcome()

    return run


def _while_down(end: Callable[[Host], None], turn: Callable[[Log], None]) -> Run:
    """Half of the lines, an end, an eighth of them while nobody reads, and the rest."""

    def run(folder: Path, size: Size) -> Outcome:
        with Host(folder, size) as host:
            host.log.write(size.lines // 2)
            end(host)
            host.log.write(size.lines // 16)
            turn(host.log)
            host.log.write(size.lines // 16)
            host.start()
            host.log.write(size.lines // 4)
            return host.outcome()

    return run


def _nothing(_log: Log) -> None:
    pass


ROWS: Rows = {
    "rename + create": Row(_under_load(_renamed), "175, 62, 79"),
    "rename, late create": Row(_under_load(_renamed_created_late), "203, 62, 20"),
    "unlink + create": Row(_under_load(_unlinked), "148, 62, 113"),
    "copytruncate": Row(_under_load(_copied), "101, 1, 130"),
    "copytruncate, refilled at once": Row(_under_load(_copied_and_refilled), "1035, 988, 1016"),
    "lines in two halves": Row(_under_load(_halved), "0, 0, 80"),
    "stopped, lines, started": Row(_while_down(Host.stop, _nothing), "0, 0, 500"),
    "kill -9, lines, started": Row(_while_down(Host.kill, _nothing), "500 twice, 38 twice, 500"),
    "stopped, rotated, started": Row(_while_down(Host.stop, _renamed), "200, 200, 500"),
}
