"""What the store holds of a window, node by node: what days hold as a whole is remembered, only those at its ends are asked."""

from collections import Counter
from collections.abc import Iterator

from unmasq.base.clock import DAY_US
from unmasq.keep.ask.completeness import BATCHES, Figures, Remembered, figures_of, labelled
from unmasq.keep.ask.sources import EVERYTHING, View
from unmasq.keep.shapes import NodeWithin, Within
from unmasq.model.filter import FlowFilter

LOOK_BACK_US = 7 * DAY_US
"""Before the end of a window, so that a node is known which sent nothing in it: one that is silent for longer is gone."""

_TOUCHES = "flows > 0 AND first_us < $until AND last_us >= $since"
_NODES = f"""
SELECT node, coalesce(sum(flows) FILTER ({_TOUCHES}), 0)::BIGINT, coalesce(sum(requests) FILTER ({_TOUCHES}), 0)::BIGINT,
       coalesce(sum(joined) FILTER ({_TOUCHES}), 0)::BIGINT, max(least(last_us, $until)) FILTER (flows > 0 AND first_us < $until)
FROM {BATCHES} GROUP BY node
"""
_JUDGED = """
SELECT count(*) FROM day.flows
WHERE flow < BELOW AND trust_version < $version AND interval_start_us < $until AND interval_end_us > $since
"""


def looked_at(window: FlowFilter) -> FlowFilter:
    """Whose days have to be asked for a window, which has an end."""
    if window.since_us is None or window.until_us is None:
        return window
    return FlowFilter(since_us=min(window.since_us, window.until_us - LOOK_BACK_US), until_us=window.until_us)


def within(view: View, trust_version: int, remembered: Remembered, window: FlowFilter) -> Within:
    """What the sources hold of a window. Batches are taken whole: one that reaches over an end counts with all that it has."""
    bounds = -EVERYTHING if window.since_us is None else window.since_us, EVERYTHING if window.until_us is None else window.until_us
    nodes: dict[str, NodeWithin] = {}
    rejects: Counter[int] = Counter()
    older = 0
    for place, source in enumerate(view.sources):
        figures = figures_of(view, place, remembered)
        for node, part in _nodes(view, place, figures, bounds):
            nodes[node] = _sum(nodes.get(node), part)
        if source.day is None or (source.day * DAY_US < bounds[1] and (source.day + 1) * DAY_US > bounds[0]):
            rejects.update(figures.rejects)
        older += _older(view, place, figures, trust_version, bounds)
    return Within(nodes, labelled(rejects), trust_version, older)


def _nodes(view: View, place: int, figures: Figures, bounds: tuple[int, int]) -> Iterator[tuple[str, NodeWithin]]:
    first_us, last_us = figures.oldest_us, figures.newest_us
    if first_us is None or last_us is None:
        return
    if last_us < bounds[0]:
        yield from ((node, NodeWithin(0, 0, 0, each.newest_us)) for node, each in figures.by_node.items())
    elif first_us >= bounds[0] and last_us < bounds[1]:
        yield from ((node, NodeWithin(each.flows, each.requests, each.joined, each.newest_us)) for node, each in figures.by_node.items())
    else:
        rows = view.ask(view.within(place, _NODES), {"since": bounds[0], "until": bounds[1]})
        yield from ((node, NodeWithin(*row)) for node, *row in rows)


def _sum(one: NodeWithin | None, other: NodeWithin) -> NodeWithin:
    if one is None:
        return other
    newest_us = max((each for each in (one.newest_us, other.newest_us) if each is not None), default=None)
    return NodeWithin(one.flows + other.flows, one.requests + other.requests, one.joined + other.joined, newest_us)


def _older(view: View, place: int, figures: Figures, trust_version: int, bounds: tuple[int, int]) -> int:
    """Flows of the window that an older trust list judged; asked only where the source has any."""
    if not any(version < trust_version for version in figures.judged):
        return 0
    [(count,)] = view.ask(view.within(place, _JUDGED), {"version": trust_version, "since": bounds[0], "until": bounds[1]})
    return int(count)
