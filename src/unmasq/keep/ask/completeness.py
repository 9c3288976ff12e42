"""The questions `health` and `covered`: how much the store holds, how fresh it is, and which lines are in it."""

from collections import defaultdict
from collections.abc import Iterable

from unmasq.keep.ask.sources import View
from unmasq.keep.day import runs
from unmasq.keep.protocol import Covered, Health
from unmasq.model.ingress import FileIdentity, Reject

_BATCHES = """
SELECT count(DISTINCT node), coalesce(sum(flows), 0)::BIGINT, max(last_us) FILTER (flows > 0), min(first_us) FILTER (flows > 0),
       coalesce(sum(requests), 0)::BIGINT, coalesce(sum(joined), 0)::BIGINT
FROM ({every})
"""
_REJECTS = "SELECT reason, sum(amount)::BIGINT FROM ({every}) GROUP BY reason ORDER BY reason"
_OLDER = "SELECT coalesce(sum(older), 0)::BIGINT FROM ({every})"
_LINES = "SELECT f.device, f.inode, f.fingerprint, l.start, l.stop FROM day.lines l JOIN day.files f ON f.file = l.file"


def health(view: View, trust_version: int) -> Health:
    """The figures of all sources; `trust_version` is the one by which new flows are judged."""
    if not view.sources:
        return Health(0, 0, None, None, 0, 0, {}, trust_version, 0)
    figures = view.ask(_BATCHES.format(every=view.union("SELECT * FROM day.batches")))
    nodes, flows, newest_us, oldest_us, requests, joined = figures[0]
    rejects = view.ask(_REJECTS.format(every=view.union("SELECT * FROM day.rejects")))
    older = f"SELECT count(*) AS older FROM day.flows WHERE trust_version < {trust_version}"
    judged = view.ask(_OLDER.format(every=view.union(older)))
    by_reason = {Reject(reason).label or "": amount for reason, amount in rejects}
    return Health(nodes, flows, newest_us, oldest_us, requests, joined, by_reason, trust_version, judged[0][0])


def covered(view: View, retired: Iterable[tuple[FileIdentity, int, int]]) -> list[Covered]:
    """Which bytes of which log files the sources hold, or held: `retired` are those of deleted days."""
    found: dict[FileIdentity, list[tuple[int, int]]] = defaultdict(list)
    for file, start, stop in retired:
        found[file].append((start, stop))
    for device, inode, fingerprint, start, stop in view.ask(view.union(_LINES)) if view.sources else ():
        found[FileIdentity(device, inode, fingerprint)].append((start, stop))
    return [Covered(file, runs.of_one(pairs)) for file, pairs in found.items()]
