"""The questions `health` and `covered`: how much the store holds, how fresh it is, and which lines are in it."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from unmasq.keep import runs
from unmasq.keep.protocol import Covered, Health
from unmasq.keep.sources import View
from unmasq.model.ingress import FileIdentity, Reject

_BATCHES = """
SELECT count(DISTINCT node), coalesce(sum(flows), 0)::BIGINT, max(last_us) FILTER (flows > 0), min(first_us) FILTER (flows > 0),
       coalesce(sum(requests), 0)::BIGINT, coalesce(sum(joined), 0)::BIGINT
FROM ({every})
"""
_REJECTS = "SELECT reason, sum(amount)::BIGINT FROM ({every}) GROUP BY reason ORDER BY reason"
_OLDER = "SELECT coalesce(sum(older), 0)::BIGINT FROM ({every})"
_LINES = "SELECT f.device, f.inode, f.fingerprint, l.start, l.stop FROM {db}.lines l JOIN {db}.files f ON f.file = l.file"


def health(view: View, trust_version: int) -> Health:
    """The figures of all sources; `trust_version` is the one by which new flows are judged."""
    if not view.sources:
        return Health(0, 0, None, None, 0, 0, {}, trust_version, 0)
    nodes, flows, newest_us, oldest_us, requests, joined = _figures(view)
    rejects = view.cursor.execute(_REJECTS.format(every=view.union("SELECT * FROM {db}.rejects"))).fetchall()
    older = f"SELECT count(*) AS older FROM {{db}}.flows WHERE trust_version < {trust_version}"
    judged = view.cursor.execute(_OLDER.format(every=view.union(older))).fetchall()
    by_reason = {Reject(reason).label or "": amount for reason, amount in rejects}
    return Health(nodes, flows, newest_us, oldest_us, requests, joined, by_reason, trust_version, judged[0][0])


def _figures(view: View) -> tuple[Any, ...]:
    row: tuple[Any, ...] = view.cursor.execute(_BATCHES.format(every=view.union("SELECT * FROM {db}.batches"))).fetchall()[0]
    return row


def covered(view: View, retired: Iterable[tuple[FileIdentity, int, int]]) -> list[Covered]:
    """Which bytes of which log files the sources hold, or held: `retired` are those of deleted days."""
    found: dict[FileIdentity, list[tuple[int, int]]] = defaultdict(list)
    for file, start, stop in retired:
        found[file].append((start, stop))
    for source in view.sources:
        for device, inode, fingerprint, start, stop in view.cursor.execute(_LINES.format(db=source.database)).fetchall():
            found[FileIdentity(device, inode, fingerprint)].append((start, stop))
    return [Covered(file, runs.of_one(pairs)) for file, pairs in found.items()]
