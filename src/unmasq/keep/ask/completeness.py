"""What the store holds of whom, how fresh it is, and which lines are in it: `health`, `node_flows`, `rejects`, `covered`.

`unmasq.keep.ask.within` asks the same of a window.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from unmasq.keep.ask import hours
from unmasq.keep.ask.sources import View
from unmasq.keep.day import runs
from unmasq.keep.shapes import Covered, Health, NodeFlows, RejectSample
from unmasq.model.ingress import FileIdentity, Reject, TimeSource

BATCHES = "(SELECT * FROM (SELECT *, sum(flows) OVER (ROWS UNBOUNDED PRECEDING) AS behind FROM day.batches) WHERE behind <= BELOW)"
"""The batches whose flows were there when the question came: both stand in the order in which they were written, and are summed in it."""

_BATCHES = f"""
SELECT node, sum(flows)::BIGINT, sum(requests)::BIGINT, sum(joined)::BIGINT,
       max(last_us) FILTER (flows > 0), min(first_us) FILTER (flows > 0)
FROM {BATCHES} GROUP BY node
"""
_REJECTS = "SELECT reason, sum(amount)::BIGINT FROM day.rejects GROUP BY reason"
_JUDGED = f"""
SELECT trust_version, count(*), count(*) FILTER (time_source = {int(TimeSource.READ)}) FROM day.flows
WHERE flow < BELOW GROUP BY trust_version
"""
_NODES = """
SELECT node, sum(flows)::BIGINT, sum(requests)::BIGINT, sum(joined)::BIGINT,
       max(last_us) FILTER (flows > 0), min(first_us) FILTER (flows > 0)
FROM ({every}) GROUP BY node ORDER BY node
"""
# Rows stand in the order in which they came, and sources from new to old.
_SAMPLES = "SELECT reason, sum(amount)::BIGINT, last(sample) FROM day.rejects GROUP BY reason"
_LINES = "SELECT f.device, f.inode, f.fingerprint, l.start, l.stop FROM day.lines l JOIN day.files f ON f.file = l.file"


class Figures(NamedTuple):
    """What one source holds. `by_node` has its parts; `judged`: flows by the version of the trust list that judged them.

    `is_timed`: no flow has a time that is only when its line was read. `is_rolled`: its roll-ups hold all of it.
    """

    by_node: dict[str, NodeFlows]
    rejects: dict[int, int]
    judged: dict[int, int]
    is_timed: bool
    is_rolled: bool

    @property
    def flows(self) -> int:
        """Of all nodes."""
        return sum(each.flows for each in self.by_node.values())

    @property
    def newest_us(self) -> int | None:
        """The end of the newest flow."""
        return max((each.newest_us for each in self.by_node.values() if each.newest_us is not None), default=None)

    @property
    def oldest_us(self) -> int | None:
        """The beginning of the oldest flow."""
        return min((each.oldest_us for each in self.by_node.values() if each.oldest_us is not None), default=None)


Remembered = dict[str, tuple[Hashable, Figures]]
"""The figures of files by their names, each with the stamp that it had then: most days never change again."""


def health(view: View, trust_version: int, remembered: Remembered) -> Health:
    """The figures of all sources; `trust_version` is the one by which new flows are judged."""
    found = [figures_of(view, place, remembered) for place in range(len(view.sources))]
    rejects = Counter[int]()
    for each in found:
        rejects.update(each.rejects)
    return Health(
        nodes=len(frozenset[str]().union(*(each.by_node for each in found))),
        flows=sum(each.flows for each in found),
        newest_us=max((each.newest_us for each in found if each.newest_us is not None), default=None),
        oldest_us=min((each.oldest_us for each in found if each.oldest_us is not None), default=None),
        requests=sum(node.requests for each in found for node in each.by_node.values()),
        joined=sum(node.joined for each in found for node in each.by_node.values()),
        rejects=labelled(rejects),
        trust_version=trust_version,
        judged_by_older=sum(flows for each in found for version, flows in each.judged.items() if version < trust_version),
    )


def labelled(rejects: Counter[int]) -> dict[str, int]:
    """Counts of rejects by the words for their reasons."""
    return {Reject(reason).label or "": rejects[reason] for reason in sorted(rejects)}


def figures_of(view: View, place: int, remembered: Remembered) -> Figures:
    """What a source holds, remembered as long as it is the same."""
    source = view.sources[place]
    stamp, figures = remembered.get(source.database, (None, None))
    if figures is None or source.stamp is None or stamp != source.stamp:
        figures = _counted(view, place)
        if source.stamp is not None:
            remembered[source.database] = source.stamp, figures
    return figures


def _counted(view: View, place: int) -> Figures:
    by_node = {row[0]: NodeFlows(*row) for row in view.ask(view.within(place, _BATCHES))}
    rejects = dict(view.ask(view.within(place, _REJECTS)))
    judged = view.ask(view.within(place, _JUDGED))
    versions, is_timed = {version: count for version, count, _ in judged}, not any(read for *_, read in judged)
    is_rolled = view.sources[place].day is not None and hours.is_whole(view, place)
    return Figures(by_node, rejects, versions, is_timed, is_rolled)


def node_flows(view: View) -> list[NodeFlows]:
    """What the sources hold of each node, by its name."""
    return [NodeFlows(*row) for row in view.ask(_NODES.format(every=view.union(f"SELECT * FROM {BATCHES}")))] if view.sources else []


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
