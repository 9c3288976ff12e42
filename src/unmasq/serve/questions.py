"""The questions that the API answers, as functions of one store. The command line asks the same object when it has the files."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from msgspec import structs

from unmasq.base.clock import Clock
from unmasq.base.errors import UsageError
from unmasq.find.answer import Pointers, Trace
from unmasq.find.completeness import Window, completeness
from unmasq.find.ladder import width_of
from unmasq.find.proxies import pointers
from unmasq.find.trace import trace
from unmasq.keep.control.state import Control
from unmasq.keep.day.rejudge import Progress, rejudge
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.keep.protocol import Asked, Store
from unmasq.keep.shapes import Facets, FlowPage, Health, Histogram, RejectSample, Top
from unmasq.model.address import parse_range
from unmasq.model.completeness import Completeness
from unmasq.model.filter import FlowFilter
from unmasq.model.health import NodeStatus
from unmasq.serve.protocol import Heard, NodeHeard, NodeRanges, Rejudged, Told
from unmasq.serve.trust import TrustDesk
from unmasq.serve.vitals import Vitals

MOST_FLOWS = 10_000
"""Flows on one page: more would not fit into the memory of whoever asks without a thought."""

MOST_LISTED = 1000
"""Values of a facet, and addresses of a ranking."""

Judge = Callable[[int | None], Iterable[Progress]]
Status = Callable[[], NodeStatus | None]


def no_status() -> None:
    """Nobody fills the store."""


class Questions(TrustDesk):
    """Answers from a store that this process has open. Any thread may ask."""

    def __init__(
        self,
        store: Store,
        control: Control,
        clock: Clock,
        judge: Judge,
        status: Status = no_status,
        node_ranges: NodeRanges = tuple,
        heard: Heard = dict,
        vitals: Vitals | None = None,
    ) -> None:
        super().__init__(control, clock, node_ranges)
        self._store, self._judge, self._status, self._heard = store, judge, status, heard
        self._vitals = vitals or Vitals()  # of files at rest nobody is heard

    def trace(self, address: str, wanted: FlowFilter, *, is_quick: bool = False) -> Trace:
        of, trust = parse_range(address), self._control.trust_list()

        def answer(store: Asked) -> Trace:
            found = trace(store, trust, of, wanted, is_quick=is_quick)
            return structs.replace(found, completeness=self._completeness(store, wanted))

        return self._store.at_one_moment(answer)

    def flows(self, wanted: FlowFilter, limit: int = 100, after: str | None = None) -> FlowPage:
        if not 1 <= limit <= MOST_FLOWS:
            raise UsageError(f"not a number of flows for one page: {limit}", f"it goes from 1 to {MOST_FLOWS}", "follow `next` for more")
        return structs.replace(self._store.flows(wanted, limit, after), completeness=self.completeness(wanted))

    def histogram(self, wanted: FlowFilter, width_us: int | None = None) -> Histogram:
        if wanted.since_us is None or wanted.until_us is None:
            wanted = self._closed(wanted)
        since_us, until_us = wanted.since_us or 0, wanted.until_us or 0
        found = self._store.histogram(wanted, width_of(since_us, until_us) if width_us is None else width_us)
        return structs.replace(found, completeness=self.completeness(wanted))

    def _closed(self, wanted: FlowFilter) -> FlowFilter:
        """The window, as far as it is open that of the stored flows."""
        health = self._store.health()
        since_us = (health.oldest_us or 0) if wanted.since_us is None else wanted.since_us
        until_us = (-1 if health.newest_us is None else health.newest_us) + 1 if wanted.until_us is None else wanted.until_us
        return replace(wanted, since_us=since_us, until_us=until_us)

    def facets(self, wanted: FlowFilter, fields: Sequence[str], limit: int = 10) -> Facets:
        return structs.replace(self._store.facets(wanted, fields, _listed(limit)), completeness=self.completeness(wanted))

    def top(self, wanted: FlowFilter, by: str = "client", limit: int = 20, *, only_new: bool = False) -> Top:
        found = self._store.top(wanted, by, _listed(limit), only_new=only_new)
        return structs.replace(found, completeness=self.completeness(wanted))

    def completeness(self, wanted: FlowFilter) -> Completeness:
        return self._completeness(self._store, wanted)

    def _completeness(self, store: Asked, wanted: FlowFilter) -> Completeness:
        window = Window(wanted.since_us, wanted.until_us, self._clock.now_us())
        held = store.within(window.since_us, window.end_us)
        return completeness(held, self._vitals.signs(), self._vitals.dropped(window.since_us, window.end_us), window)

    def proxies(self) -> Pointers:
        found = pointers(self._store.proxies(), self._control.trust_list())
        return structs.replace(found, completeness=self.completeness(FlowFilter()))

    def rejects(self) -> list[RejectSample]:
        return self._store.rejects()

    def nodes(self) -> list[NodeHeard]:
        stored, heard = {each.node: each for each in self._store.node_flows()}, dict(self._heard())
        if own := self._status():
            heard[own.node] = self._clock.now_us(), own
        return [NodeHeard(name, stored.get(name), *heard.get(name, (None, None))) for name in sorted(stored.keys() | heard)]

    def health(self) -> Health:
        return self._store.health()

    def status(self) -> NodeStatus | None:
        return self._status()

    def rejudge(self, since_us: int | None, told: Told = lambda _done, _days: None) -> Rejudged:
        flows = days = 0
        for step in self._judge(since_us):
            flows, days = flows + step.flows, step.done
            told(step.done, step.days)
        return Rejudged(flows, days, self._control.trust_version)


def _listed(limit: int) -> int:
    if not 1 <= limit <= MOST_LISTED:
        raise UsageError(f"not a number of values: {limit}", f"it goes from 1 to {MOST_LISTED}", "narrow the filter to see others")
    return limit


def of_files(store: DuckStore, clock: Clock) -> Questions:
    """The questions of files at rest."""
    return Questions(store, store.control, clock, lambda since_us: rejudge(store, since_us))


def of_live(
    live: LiveStore,
    clock: Clock,
    status: Status = no_status,
    node_ranges: NodeRanges = tuple,
    heard: Heard = dict,
    vitals: Vitals | None = None,
) -> Questions:
    """The questions of a store that is being filled; what waits to be written is written before it is judged again."""

    def judge(since_us: int | None) -> Iterable[Progress]:
        live.flush()
        return rejudge(live.store, since_us)

    return Questions(live, live.control, clock, judge, status, node_ranges, heard, vitals)
