"""What an attacker can choose: addresses in the headers that were never seen before. Nothing may become slow by it."""

from collections.abc import Iterator

from bench.child import work
from bench.figure import Figure, pairs, rate
from bench.logs import Logs


def figures(logs: Logs) -> Iterator[Figure]:
    """The rates under a flood against the ordinary ones."""
    yield _against_ordinary(logs, "flood of new addresses, parse", "parse")
    yield _against_ordinary(logs, "flood of new addresses, path", "once")


def _against_ordinary(logs: Logs, name: str, what: str) -> Figure:
    ordinary, flood = logs.ordinary(), logs.flood()
    ours, usual = pairs(lambda: work(what, flood), lambda: work(what, ordinary))
    return rate(name, [w.rate for w in ours], [w.rate for w in usual], "ordinary lines", 0.4)
