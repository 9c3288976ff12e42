"""What the store holds of whom, how fresh it is, and which lines are in it: `health`, `node_flows`, `rejects`, `covered`."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from unmasq.keep.ask.sources import View
from unmasq.keep.day import runs
from unmasq.keep.protocol import Covered, Health, NodeFlows, RejectSample
from unmasq.model.ingress import FileIdentity, Reject

_BATCHES = """
SELECT count(DISTINCT node), coalesce(sum(flows), 0)::BIGINT, max(last_us) FILTER (flows > 0), min(first_us) FILTER (flows > 0),
       coalesce(sum(requests), 0)::BIGINT, coalesce(sum(joined), 0)::BIGINT
FROM ({every})
"""
_NODES = """
SELECT node, sum(flows)::BIGINT, sum(requests)::BIGINT, sum(joined)::BIGINT,
       max(last_us) FILTER (flows > 0), min(first_us) FILTER (flows > 0)
FROM ({every}) GROUP BY node ORDER BY node
"""
# Rows stand in the order in which they came, and sources from new to old.
_SAMPLES = "SELECT reason, sum(amount)::BIGINT, last(sample) FROM day.rejects GROUP BY reason"
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


def node_flows(view: View) -> list[NodeFlows]:
    """What the sources hold of each node, by its name."""
    return [NodeFlows(*row) for row in view.ask(_NODES.format(every=view.union("SELECT * FROM day.batches")))] if view.sources else []


def rejects(view: View) -> list[RejectSample]:
    """Rejected lines by reason, most first, each with the newest sample."""
    amounts: Counter[str] = Counter()
    samples: dict[str, str] = {}
    for place in range(len(view.sources)):
        for reason, amount, sample in view.ask(view.within(place, _SAMPLES)):
            label = Reject(reason).label or ""
            amounts[label] += amount
            samples.setdefault(label, sample)
    ranked = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
    return [RejectSample(label, amount, samples[label]) for label, amount in ranked]


def covered(view: View, retired: Iterable[tuple[FileIdentity, int, int]]) -> list[Covered]:
    """Which bytes of which log files the sources hold, or held: `retired` are those of deleted days."""
    found: dict[FileIdentity, list[tuple[int, int]]] = defaultdict(list)
    for file, start, stop in retired:
        found[file].append((start, stop))
    for device, inode, fingerprint, start, stop in view.ask(view.union(_LINES)) if view.sources else ():
        found[FileIdentity(device, inode, fingerprint)].append((start, stop))
    return [Covered(file, runs.of_one(pairs)) for file, pairs in found.items()]
