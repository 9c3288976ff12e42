"""What became of the lines of one row of the table."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.lab.processes import ENVIRONMENT


class Outcome(NamedTuple):
    """Lines that were written, those that are stored, those that a counter says are lost, and how many are stored more than once.

    `seconds` are from the last line, or from the end of the fault if that is later, until every line is told or counted. `wrong` is what
    else was not as promised.
    """

    written: int
    stored: int
    dropped: int
    twice: int
    seconds: float
    wrong: str = ""

    @property
    def is_green(self) -> bool:
        """Whether nothing was lost silently or counted twice."""
        return self.written == self.stored + self.dropped and not self.twice and not self.wrong


def broken(why: str) -> Outcome:
    """Of a row that came to no end."""
    return Outcome(0, 0, 0, 0, 0, why)


class Size(NamedTuple):
    """How much of a row is run: lines, how many a second, and how often something is killed."""

    lines: int
    rate: int
    kills: int


WHOLE = Size(lines=4000, rate=400, kills=25)
SHORT = Size(lines=1000, rate=2000, kills=2)

Run = Callable[[Path, Size], Outcome]
"""A row: does its fault in an empty folder."""


class Row(NamedTuple):
    """One fault. `peers`: lines lost, or stored twice, in the same case by fail2ban with polling, with pyinotify, and by CrowdSec 1.4.6."""

    run: Run
    peers: str = ""
    needs_root: bool = False
    needs: str = ""
    """A program beside those that every row needs."""

    def missing(self) -> str:
        """What it cannot be run for here; empty where it can."""
        if self.needs_root and os.geteuid():
            return "root rights are missing"
        return f"{self.needs} is missing" if self.needs and not shutil.which(self.needs, path=ENVIRONMENT["PATH"]) else ""


Rows = Mapping[str, Row]
