"""Since when and until when nodes are known to be alive, and when they lost something: of each process since it was first heard."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from unmasq.base.errors import UsageError
from unmasq.base.moments import parse
from unmasq.find.completeness import GONE_US, Sign
from unmasq.find.losses import lost_anywhere

MOST_NODES = 5000
MOST_CHANGES = 50
"""Stretches of time in which a node lost something that are remembered apart; of more the oldest become one."""


class _Change(NamedTuple):
    """What was lost between two moments."""

    since_us: int
    until_us: int
    counts: dict[str, int]


@dataclass
class _Node:
    started: str
    started_us: int
    heard_us: int
    counts: dict[str, int] = field(default_factory=dict)
    changes: list[_Change] = field(default_factory=list)


class Vitals:
    """Any thread may call. Counters are since the start of a process: what they grew by was lost since they were last told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nodes: dict[str, _Node] = {}

    def note(self, node: str, started: str, counters: Mapping[str, int], now_us: int) -> None:
        """A node whose process began at `started` (RFC 3339; what is no time is this moment) counts this now."""
        counts = lost_anywhere(counters)
        with self._lock:
            known = self._nodes.get(node)
            if known is None and len(self._nodes) >= MOST_NODES:
                return
            if known is None or known.started != started:  # another process: it counts from nothing
                started_us = _moment(started, now_us)
                known = _Node(started, started_us, started_us, changes=known.changes if known else [])
            grown = {name: count - known.counts.get(name, 0) for name, count in counts.items() if count > known.counts.get(name, 0)}
            if grown:
                known.changes = _bounded([*known.changes, _Change(min(known.heard_us, now_us), now_us, grown)])
            known.heard_us, known.counts = now_us, counts
            self._nodes[node] = known
            self._forget(now_us)

    def signs(self) -> dict[str, Sign]:
        """When each node was heard last, and since when its process runs."""
        with self._lock:
            return {name: Sign(node.started_us, node.heard_us) for name, node in self._nodes.items()}

    def dropped(self, since_us: int | None, until_us: int) -> dict[str, dict[str, int]]:
        """What nodes lost in a window, by node and counter; all of a stretch that it touches."""
        with self._lock:
            found: dict[str, dict[str, int]] = {}
            for name, node in self._nodes.items():
                for change in node.changes:
                    if change.since_us < until_us and (since_us is None or change.until_us >= since_us):
                        found[name] = _sum(found.get(name, {}), change.counts)
            return found

    def _forget(self, now_us: int) -> None:
        for name in [name for name, node in self._nodes.items() if now_us - node.heard_us > GONE_US]:
            del self._nodes[name]


def _moment(started: str, now_us: int) -> int:
    """When a process began by its own word, which may be anything."""
    try:
        return min(parse(started, now_us), now_us)
    except UsageError:
        return now_us


def _bounded(changes: list[_Change]) -> list[_Change]:
    if len(changes) <= MOST_CHANGES:
        return changes
    first, second, *rest = changes
    return [_Change(first.since_us, second.until_us, _sum(first.counts, second.counts)), *rest]


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in one.keys() | other.keys()}
