"""Whether an answer about a window tells all that happened in it: which nodes were silent, what was lost. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import NamedTuple

from msgspec import structs

from unmasq.base.clock import DAY_US, MICROSECONDS
from unmasq.keep.shapes import NodeWithin, Within
from unmasq.model.completeness import Completeness, Silent
from unmasq.show import words

SILENT_US = 300 * MICROSECONDS
"""Without any flow for so long a store that should be filled may not be: flows close within two minutes of their interval."""

GONE_US = 7 * DAY_US
"""A node that is silent for longer was taken away: nobody waits for it."""

MOST_NAMED = 3
MOST_LISTED = 100
_LEAST_JOINED = 0.9


class Sign(NamedTuple):
    """A node said something last at `heard_us`, in a process that began at `started_us`; microseconds UTC."""

    started_us: int
    heard_us: int


class Window(NamedTuple):
    """From when to when is asked, microseconds UTC; None where it is open. An open end is `now_us`."""

    since_us: int | None
    until_us: int | None
    now_us: int

    @property
    def end_us(self) -> int:
        """Its end: what did not happen yet cannot be missing."""
        return self.now_us if self.until_us is None else min(self.until_us, self.now_us)


def completeness(held: Within, signs: Mapping[str, Sign], dropped: Mapping[str, Mapping[str, int]], window: Window) -> Completeness:
    """What is known of a window: by what is held of it, by whom was heard, and by what was lost meanwhile."""
    last = _last(held.nodes, signs, window.end_us)
    within = {node for node, each in held.nodes.items() if each.flows}
    silent = [Silent(node, us) for node, us in sorted(last.items()) if window.end_us - us > SILENT_US]
    newest = (each.newest_us for each in held.nodes.values() if each.newest_us is not None)
    found = Completeness(
        since_us=window.since_us,
        until_us=window.until_us,
        nodes=len(within | last.keys()),
        silent=sorted(silent, key=lambda each: -each.since_us)[:MOST_LISTED],
        newest_us=max(newest, default=None),
        flows=sum(each.flows for each in held.nodes.values()),
        requests=sum(each.requests for each in held.nodes.values()),
        joined=sum(each.joined for each in held.nodes.values()),
        rejects=held.rejects,
        dropped={node: dict(counts) for node, counts in dropped.items()},
        trust_version=held.trust_version,
        judged_by_older=held.judged_by_older,
        unwritten=held.unwritten,
        unreadable=held.unreadable,
        doubts=[],
    )
    return structs.replace(found, doubts=list(_doubts(found, len(silent), len(last) - len(silent), window)))


def _last(nodes: Mapping[str, NodeWithin], signs: Mapping[str, Sign], end_us: int) -> dict[str, int]:
    """When each node gave its last sign of life before the end: a flow, or, as long as its process ran, whatever it said."""
    last = {node: min(each.newest_us, end_us) for node, each in nodes.items() if each.newest_us is not None}
    for node, sign in signs.items():
        if sign.started_us <= end_us:
            last[node] = max(last.get(node, 0), min(sign.heard_us, end_us))
    return {node: us for node, us in last.items() if end_us - us <= GONE_US}


def _doubts(found: Completeness, silent: int, alive: int, window: Window) -> Iterator[str]:
    """What speaks against believing that nothing else happened, what matters most first."""
    yield from _few(found, silent) if alive else _nothing(found, window)
    yield from _unkept(found)
    yield from _lost(found)
    if found.judged_by_older:
        yield f"{words.counted(found.judged_by_older, 'flow')} judged by an older trust list: unmasq rejudge."


def _unkept(found: Completeness) -> Iterator[str]:
    for file, why in sorted(found.unreadable.items())[:MOST_NAMED]:
        yield f"{file} cannot be read, and its day is left out: {why}."
    if found.unwritten:
        told = ", ".join(sorted(found.unwritten)[:MOST_NAMED])
        yield f"{words.counted(len(found.unwritten), 'day')} cannot be written ({told}): what came since is not in the answer."


def _lost(found: Completeness) -> Iterator[str]:
    for node, counts in sorted(found.dropped.items())[:MOST_NAMED]:
        told = ", ".join(f"{words.count(count)} {name}" for name, count in sorted(counts.items()))
        yield f"{node} lost something on the way: {told}."
    if found.requests and not found.joined:
        yield "Lines arrive, but none is joined with a connection: a client behind a translation would not be found."
    elif found.joined < _LEAST_JOINED * found.requests:
        share = words.percent(found.joined, found.requests)
        yield f"Only {share} of the requests are joined with a connection: some clients behind a translation would not be found."
    if rejected := sum(found.rejects.values()):
        yield f"{words.counted(rejected, 'line')} could not be read."


def _nothing(found: Completeness, window: Window) -> Iterator[str]:
    """Where nobody was alive at the end one sentence is for all: then it is hardly the nodes."""
    if found.newest_us is None:
        yield "Nothing is kept of this window, nor of the week before its end: was anything collected then?"
    else:
        ago = words.ago(found.newest_us, window.now_us)
        yield f"Nothing at all came since {words.time(found.newest_us)}, {ago}: is a collector silent?"


def _few(found: Completeness, silent: int) -> Iterator[str]:
    if silent:
        yield f"Complete on {words.count(found.nodes - silent)} of {words.counted(found.nodes, 'node')}: {named(found.silent, silent)}."


def named(silent: Sequence[Silent], count: int, zone: tzinfo | None = UTC) -> str:
    """The first of so many silent nodes, each since when, and how many more there are."""
    some = ", ".join(f"{each.node} silent since {words.time(each.since_us, zone)}" for each in silent[:MOST_NAMED])
    return some + (f" and {words.count(count - MOST_NAMED)} more" if count > MOST_NAMED else "")
