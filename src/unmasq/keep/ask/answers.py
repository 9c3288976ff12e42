"""The questions of the protocol, over whatever sources a store has."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TypeVar

import duckdb
from msgspec import structs

from unmasq.base.errors import StoreDamaged, StoreError
from unmasq.keep.ask import agents, clients, completeness, facets, lifetimes, pages, paths, proxies, ranking, series, spans, within
from unmasq.keep.ask.sources import View, days_within
from unmasq.keep.control.state import Control
from unmasq.keep.day.file import day_of
from unmasq.keep.shapes import (
    ChainGroup,
    Facets,
    FlowPage,
    Health,
    Histogram,
    Lifetime,
    NodeFlows,
    Proxies,
    RangeClient,
    RejectSample,
    RoleSpan,
    SameAgent,
    Top,
    Within,
)
from unmasq.model.address import Range
from unmasq.model.filter import FlowFilter

EVER = FlowFilter()

Answer = TypeVar("Answer")


class Answers(ABC):
    """All that reads. A store says where to look; the SQL is the same for files and memory."""

    control: Control
    remembered: completeness.Remembered

    @abstractmethod
    def view(self, wanted: FlowFilter) -> AbstractContextManager[View]:
        """Every source that can hold flows of the filter, as they are at one moment."""

    def _asked(self, wanted: FlowFilter, question: Callable[[View], Answer]) -> Answer:
        return asked(lambda: self.view(wanted), question)

    @property
    @abstractmethod
    def unreadable(self) -> Mapping[str, str]:
        """The files whose days are left out of every answer, each with why."""

    @property
    @abstractmethod
    def unwritten(self) -> Mapping[str, str]:
        """The files to which something cannot be written, each with why."""

    def at_one_moment(self, answer: Callable[["Answers"], Answer]) -> Answer:
        """What `answer` makes of several questions, which all see the store as it was when the first was asked."""
        return self._asked(EVER, lambda view: answer(_Moment(self, view)))

    def flows(self, wanted: FlowFilter, limit: int = 100, after: str | None = None) -> FlowPage:
        return self._asked(wanted, lambda view: pages.page(view, wanted, limit, after))

    def span(self, address: Range, wanted: FlowFilter) -> list[RoleSpan]:
        return self._asked(wanted, lambda view: spans.spans(view, address, wanted, self.remembered))

    def lifetime(self, address: Range) -> Lifetime:
        return self._asked(EVER, lambda view: lifetimes.lifetime(view, address, self.remembered))

    def chains(self, address: Range, wanted: FlowFilter, limit: int = 1000) -> list[ChainGroup]:
        return self._asked(wanted, lambda view: paths.groups(view, address, wanted, limit))

    def clients(self, address: Range, wanted: FlowFilter, limit: int = 1000) -> list[RangeClient]:
        return self._asked(wanted, lambda view: clients.clients(view, address, wanted, limit))

    def same_agent(self, address: Range, wanted: FlowFilter = EVER, limit: int = 1000) -> SameAgent:
        return self._asked(wanted, lambda view: agents.same_agent(view, address, limit))

    def proxies(self, most: int = 200_000) -> Proxies:
        return self._asked(EVER, lambda view: proxies.proxies(view, most))

    def histogram(self, wanted: FlowFilter, width_us: int) -> Histogram:
        return self._asked(wanted, lambda view: series.histogram(view, wanted, width_us))

    def facets(self, wanted: FlowFilter, fields: Sequence[str], limit: int = 10, budget_seconds: float = 0.2) -> Facets:
        return self._asked(wanted, lambda view: facets.facets(view, wanted, fields, limit, budget_seconds))

    def top(self, wanted: FlowFilter, by: str = "client", limit: int = 20, *, only_new: bool = False) -> Top:
        return self._asked(replace(wanted, since_us=None), lambda view: ranking.top(view, wanted, by, limit, only_new=only_new))

    def node_flows(self) -> list[NodeFlows]:
        return self._asked(EVER, completeness.node_flows)

    def rejects(self) -> list[RejectSample]:
        return self._asked(EVER, completeness.rejects)

    def health(self) -> Health:
        found = self._asked(EVER, lambda view: completeness.health(view, self.control.trust_version, self.remembered))
        return structs.replace(found, unreadable=dict(self.unreadable), unwritten=dict(self.unwritten))

    def within(self, since_us: int | None, until_us: int) -> Within:
        window = FlowFilter(since_us=since_us, until_us=until_us)
        looked_at = within.looked_at(window)
        found = self._asked(looked_at, lambda view: within.within(view, self.control.trust_version, self.remembered, window))
        return structs.replace(found, unreadable=_within(self.unreadable, window), unwritten=_within(self.unwritten, window))


class _Moment(Answers):
    """A store as one view shows it, as long as that is open."""

    def __init__(self, store: Answers, view: View) -> None:
        self._store, self._view = store, view
        self.control, self.remembered = store.control, store.remembered

    @contextmanager
    def view(self, wanted: FlowFilter) -> Iterator[View]:
        sources = [each for each in self._view.sources if each.day is None or days_within([each.day], wanted)]
        yield replace(self._view, sources=sources)

    @property
    def unreadable(self) -> Mapping[str, str]:
        return self._store.unreadable

    @property
    def unwritten(self) -> Mapping[str, str]:
        return self._store.unwritten


def _within(files: Mapping[str, str], window: FlowFilter) -> dict[str, str]:
    """Those of the day files that can hold flows of a window."""
    return {file: why for file, why in files.items() if days_within([day_of(file)], window)}


def asked(view: Callable[[], AbstractContextManager[View]], question: Callable[[View], Answer]) -> Answer:
    """The answer to a question, which is asked once more where a day turns out to be damaged: that is left out then."""
    try:
        with view() as first:
            return question(first)
    except StoreDamaged:
        with view() as second:
            return question(second)


def told(error: duckdb.Error) -> StoreError:
    """A database's error as ours."""
    why = str(error).splitlines()[0]
    if isinstance(error, duckdb.OutOfMemoryException):
        return StoreError("the question is too wide for this store", why, "narrow it: a shorter time, a smaller range, one more filter")
    return StoreError("the store cannot answer", why, "`unmasq doctor` looks for the cause")
