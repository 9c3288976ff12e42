"""The questions of the protocol, over whatever sources a store has."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import duckdb
from msgspec import structs

from unmasq.base.errors import StoreError
from unmasq.keep.ask import agents, clients, completeness, facets, lifetimes, pages, paths, proxies, ranking, series, spans, within
from unmasq.keep.ask.sources import View
from unmasq.keep.control.state import Control
from unmasq.keep.shapes import (
    ChainGroup,
    Covered,
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


class Answers(ABC):
    """All that reads. A store says where to look; the SQL is the same for files and memory."""

    control: Control
    remembered: completeness.Remembered

    @abstractmethod
    def view(self, wanted: FlowFilter) -> AbstractContextManager[View]:
        """Every source that can hold flows of the filter, as they are at one moment."""

    def flows(self, wanted: FlowFilter, limit: int = 100, after: str | None = None) -> FlowPage:
        with self.view(wanted) as view:
            return pages.page(view, wanted, limit, after)

    def span(self, address: Range, wanted: FlowFilter) -> list[RoleSpan]:
        with self.view(wanted) as view:
            return spans.spans(view, address, wanted, self.remembered)

    def lifetime(self, address: Range) -> Lifetime:
        with self.view(EVER) as view:
            return lifetimes.lifetime(view, address, self.remembered)

    def chains(self, address: Range, wanted: FlowFilter, limit: int = 1000) -> list[ChainGroup]:
        with self.view(wanted) as view:
            return paths.groups(view, address, wanted, limit)

    def clients(self, address: Range, wanted: FlowFilter, limit: int = 1000) -> list[RangeClient]:
        with self.view(wanted) as view:
            return clients.clients(view, address, wanted, limit)

    def same_agent(self, address: Range, wanted: FlowFilter = EVER, limit: int = 1000) -> SameAgent:
        with self.view(wanted) as view:
            return agents.same_agent(view, address, limit)

    def proxies(self, most: int = 200_000) -> Proxies:
        with self.view(EVER) as view:
            return proxies.proxies(view, most)

    def histogram(self, wanted: FlowFilter, width_us: int) -> Histogram:
        with self.view(wanted) as view:
            return series.histogram(view, wanted, width_us)

    def facets(self, wanted: FlowFilter, fields: Sequence[str], limit: int = 10, budget_seconds: float = 0.2) -> Facets:
        with self.view(wanted) as view:
            return facets.facets(view, wanted, fields, limit, budget_seconds)

    def top(self, wanted: FlowFilter, by: str = "client", limit: int = 20, *, only_new: bool = False) -> Top:
        with self.view(replace(wanted, since_us=None)) as view:
            return ranking.top(view, wanted, by, limit, only_new=only_new)

    def node_flows(self) -> list[NodeFlows]:
        with self.view(EVER) as view:
            return completeness.node_flows(view)

    def rejects(self) -> list[RejectSample]:
        with self.view(EVER) as view:
            return completeness.rejects(view)

    def health(self) -> Health:
        with self.view(EVER) as view:
            return completeness.health(view, self.control.trust_version, self.remembered)

    def within(self, since_us: int | None, until_us: int) -> Within:
        window = FlowFilter(since_us=since_us, until_us=until_us)
        try:
            return self._within(within.looked_at(since_us, until_us), window)
        except StoreError as error:
            trouble = error.what
        try:  # the day that cannot be read may lie before the window
            return structs.replace(self._within(window, window), trouble=trouble)
        except StoreError as error:
            return Within({}, {}, self.control.trust_version, 0, trouble=error.what)

    def _within(self, looked_at: FlowFilter, window: FlowFilter) -> Within:
        with self.view(looked_at) as view:
            return within.within(view, self.control.trust_version, self.remembered, window)

    def covered(self) -> list[Covered]:
        with self.view(EVER) as view:
            return completeness.covered(view, self.control.retired_lines())


def told(error: duckdb.Error) -> StoreError:
    """A database's error as ours."""
    why = str(error).splitlines()[0]
    if isinstance(error, duckdb.OutOfMemoryException):
        return StoreError("the question is too wide for this store", why, "narrow it: a shorter time, a smaller range, one more filter")
    return StoreError("the store cannot answer", why, "`unmasq doctor` looks for the cause")
