"""Lines to columns, against fail2ban-regex and against a short script, on the same file."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from bench.child import Work, cpu_seconds, work
from bench.figure import Figure, pairs, rate
from bench.logs import Logs

REFUSED = r"""
[Definition]
failregex = ^<HOST> \S+ \S+ \[[^]]*\] "[^"]*" 40[134]\b
ignoreregex =
"""
"""What it is good for: requests that were refused, one rule."""

PLACE = "datepattern = ^[^\\[]*\\[({DATE})\n"
"""Spares it the search for the date, its largest cost where the source's length changes from line to line."""

_LOOKED_FOR = 20
"""It gets every so-many-th part of the log where it looks for the date by itself."""


def figures(logs: Logs) -> Iterator[Figure]:
    """Our reader against both."""
    log = logs.ordinary()
    ours, naive = pairs(lambda: work("parse", log), lambda: work("naive", log))
    yield rate("parse", [w.rate for w in ours], [w.rate for w in naive], "json + ipaddress", 2)
    ours, python = pairs(lambda: work("parse", log), lambda: work("parse in Python", log))
    yield rate("parse", [w.rate for w in ours], [w.rate for w in python], "without the C extension", None)
    framed, bare = pairs(lambda: work("parse in frames", logs.framed()), lambda: work("parse", log))
    yield rate("parse in CRI frames", [w.rate for w in framed], [w.rate for w in bare], "the same lines without", 0.7)
    if shutil.which("fail2ban-regex") is None:
        yield Figure("parse", "", "fail2ban-regex is not installed here", "", ">= 3")
        return
    theirs = _Fail2ban(logs.folder, log)
    ours, found = pairs(lambda: work("parse", log), lambda: theirs.measured(REFUSED, _LOOKED_FOR))
    yield rate("parse", [w.rate for w in ours], [w.rate for w in found], "fail2ban-regex", 3)
    ours, told = pairs(lambda: work("parse", log), lambda: theirs.measured(REFUSED + PLACE, 1))
    yield rate("parse", [w.rate for w in ours], [w.rate for w in told], "fail2ban-regex, told where the date is", None)


class _Fail2ban:
    """fail2ban-regex with a filter of one rule. What it takes for one line, its start, is not counted."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder, self._log = folder, log

    def measured(self, rule: str, part: int) -> Work:
        """Its work on one part of so many of the log."""
        (self._folder / "refused.conf").write_text(rule)
        with self._log.open("rb") as log:
            lines = log.readlines()
        some, one = lines[: len(lines) // part], lines[:1]
        return Work(len(some) - 1, self._took(some) - self._took(one), 0, {})

    def _took(self, lines: list[bytes]) -> float:
        path = self._folder / "part.log"
        path.write_bytes(b"".join(lines))
        return cpu_seconds(["fail2ban-regex", "--usedns", "no", path, self._folder / "refused.conf"])
