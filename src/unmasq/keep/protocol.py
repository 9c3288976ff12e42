"""What every store promises. `tests/contract` holds the behaviour that all must show; `shapes` has what they answer."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

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
from unmasq.model.flowbatch import FlowBatch

Answer = TypeVar("Answer")


class Asked(Protocol):
    """What can be asked. All questions read only."""

    def flows(self, wanted: FlowFilter, limit: int = 100, after: str | None = None) -> FlowPage:
        """Flows of a filter, newest first, from behind the key `after`."""
        ...

    def span(self, address: Range, wanted: FlowFilter) -> list[RoleSpan]:
        """What an address or range was, one row a role that it played."""
        ...

    def lifetime(self, address: Range) -> Lifetime:
        """Since when and until when an address or range is known, in whatever role, in all that is kept."""
        ...

    def chains(self, address: Range, wanted: FlowFilter, limit: int = 1000) -> list[ChainGroup]:
        """How it came: distinct paths, most requests first."""
        ...

    def clients(self, address: Range, wanted: FlowFilter, limit: int = 1000) -> list[RangeClient]:
        """The clients in a range, most requests first."""
        ...

    def same_agent(self, address: Range, wanted: FlowFilter = ..., limit: int = 1000) -> SameAgent:
        """Who else came with the user agents of a client, on its newest day of those that a filter's window touches."""
        ...

    def proxies(self, most: int = 200_000) -> Proxies:
        """Who behaves like a proxy, and for whom proxies spoke, in the newest `most` chains."""
        ...

    def histogram(self, wanted: FlowFilter, width_us: int) -> Histogram:
        """Requests over time, in buckets of that width that begin at its multiples; the window must be closed on both sides."""
        ...

    def facets(self, wanted: FlowFilter, fields: Sequence[str], limit: int = 10, budget_seconds: float = 0.2) -> Facets:
        """The most frequent values of some fields; where that takes longer than the budget, of the newest flows alone."""
        ...

    def top(self, wanted: FlowFilter, by: str = "client", limit: int = 20, *, only_new: bool = False) -> Top:
        """Who had most requests in a role of the address index; `only_new`: of those that were never seen before the window."""
        ...

    def node_flows(self) -> list[NodeFlows]:
        """What there is of each node, by its name."""
        ...

    def rejects(self) -> list[RejectSample]:
        """Why lines were rejected, most frequent reasons first, each with the newest sample."""
        ...

    def health(self) -> Health:
        """How complete and how fresh the store is."""
        ...

    def within(self, since_us: int | None, until_us: int) -> Within:
        """What there is of a window, node by node, and of nodes that sent something in the week before its end."""
        ...


class Store(Asked, Protocol):
    """Flows at rest. `append` is one transaction per day that the batch touches."""

    def append(self, batch: FlowBatch) -> None:
        """Keep a batch with the log lines it contains. One that came before, by its id, changes nothing."""
        ...

    def covered(self) -> list[Covered]:
        """Which bytes of which log files are already in the store."""
        ...

    def at_one_moment(self, answer: Callable[[Asked], Answer]) -> Answer:
        """What `answer` makes of several questions, which all see the store as it was when the first was asked."""
        ...
