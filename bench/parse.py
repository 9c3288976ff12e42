"""Lines to columns, against fail2ban-regex and against a short script, on the same file."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from bench.child import Work, cpu_seconds, work
from bench.figure import Figure, pairs, rate
from bench.logs import Logs

FILTER = r"""
[Definition]
failregex = ^<HOST> \S+ \S+ \[\] "[^"]*" 40[134]\b
ignoreregex =
datepattern = ^[^\[]*\[({DATE})
"""
"""What it is good for: requests that were refused. The date pattern spares it the search for a date, its largest cost."""


def figures(logs: Logs) -> Iterator[Figure]:
    """Our reader against both."""
    log = logs.ordinary()
    ours, naive = pairs(lambda: work("parse", log), lambda: work("naive", log))
    yield rate("parse", [w.rate for w in ours], [w.rate for w in naive], "json + ipaddress", 2)
    if shutil.which("fail2ban-regex") is None:
        yield Figure("parse", "", "fail2ban-regex is not installed here", "", ">= 3")
        return
    theirs = _Fail2ban(logs.folder, log)
    mine, others = pairs(lambda: work("parse", log), theirs.measured)
    yield rate("parse", [w.rate for w in mine], [w.rate for w in others], "fail2ban-regex", 3)


class _Fail2ban:
    """fail2ban-regex with a filter of one rule. What it takes for one line, its start, is not counted."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._filter, self._one, self._log = folder / "refused.conf", folder / "one.log", log
        self._filter.write_text(FILTER)
        with log.open("rb") as lines:
            self._one.write_bytes(lines.readline())
            self._lines = 1 + sum(1 for _ in lines)

    def measured(self) -> Work:
        return Work(self._lines, self._took(self._log) - self._took(self._one), 0, {})

    def _took(self, log: Path) -> float:
        return cpu_seconds(["fail2ban-regex", "--usedns", "no", log, self._filter])
