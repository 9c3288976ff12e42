"""What can be asked about a store, whoever answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from unmasq.find.answer import Pointers, Trace
from unmasq.keep.shapes import Facets, FlowPage, Health, Histogram, NodeFlows, RejectSample, Top
from unmasq.model.address import Range
from unmasq.model.completeness import Completeness
from unmasq.model.filter import FlowFilter
from unmasq.model.health import NodeStatus
from unmasq.serve.kinds import RANGE
from unmasq.unwind.trust import HEADERS


class NodeHeard(Struct, frozen=True):
    """A node: what the store has of it, and what it said last of itself (`heard_us`: when, microseconds UTC)."""

    node: str
    stored: NodeFlows | None
    heard_us: int | None
    status: NodeStatus | None


Heard = Callable[[], Mapping[str, tuple[int, NodeStatus | None]]]
"""When each node said something last, and how it was doing."""

Told = Callable[[int, int], None]
"""Is told how many days of how many are done."""


NodeRanges = Callable[[], Sequence[Range]]


class TrustedProxy(Struct, frozen=True):
    """A range whose machines write `header` on every request, and the name it goes by."""

    name: Annotated[str, Meta(extra_json_schema={"pattern": r"\S", "examples": ["edge-lb"]})]
    range: Annotated[str, Meta(extra_json_schema=RANGE)]
    header: Annotated[str, Meta(extra_json_schema={"enum": list(HEADERS)})] = HEADERS[0]


class Trusted(Struct, frozen=True):
    """The list under its version; `warnings` speak of what was added just now."""

    version: int
    proxies: list[TrustedProxy]
    warnings: list[str] = []


class TrustVersion(Struct, frozen=True):
    """One version of the list: when it was made (microseconds UTC), and in what it differs from the one before."""

    version: int
    made_us: int
    change: str


class Rejudged(Struct, frozen=True):
    """Flows that were judged again, on how many days, and by which version of the trust list."""

    flows: int
    days: int
    trust_version: int


class TrustBackend(Protocol):
    """The trust list of a store."""

    def trust(self) -> Trusted:
        """The list by which new flows are judged."""
        ...

    def trust_versions(self) -> list[TrustVersion]:
        """Every version of the list, oldest first."""
        ...

    def trust_add(self, proxies: Sequence[TrustedProxy]) -> Trusted:
        """Trust these too, under one new version. Raises UsageError for a name, range or header that cannot be."""
        ...

    def trust_set(self, proxies: Sequence[TrustedProxy]) -> Trusted:
        """Trust these, and nothing else under their names. Raises as `trust_add`."""
        ...

    def trust_remove(self, what: str) -> Trusted:
        """Trust a name or range no longer. Raises UsageError if nothing is called that."""
        ...


class Backend(TrustBackend, Protocol):
    """Everything about a store."""

    def trace(self, address: str, wanted: FlowFilter, *, is_quick: bool = False) -> Trace:
        """Everything about an address or range, if quick without what is near and beside. Raises UsageError for what is neither."""
        ...

    def flows(self, wanted: FlowFilter, limit: int = 100, after: str | None = None) -> FlowPage:
        """Flows of a filter, newest first. Raises UsageError for a limit that is no page."""
        ...

    def histogram(self, wanted: FlowFilter, width_us: int | None = None) -> Histogram:
        """Requests over time; of the stored time where the window is open, in a width that suits it where none is given.

        Raises UsageError for a width that makes too many buckets.
        """
        ...

    def facets(self, wanted: FlowFilter, fields: Sequence[str], limit: int = 10) -> Facets:
        """The most frequent values of some fields. Raises UsageError for a field without any, and for a limit beyond reason."""
        ...

    def top(self, wanted: FlowFilter, by: str = "client", limit: int = 20, *, only_new: bool = False) -> Top:
        """Who had most requests in a role. Raises UsageError for no role, and for new ones of a window without a beginning."""
        ...

    def completeness(self, wanted: FlowFilter) -> Completeness:
        """Whether answers about the window of a filter tell all that happened in it."""
        ...

    def nodes(self) -> list[NodeHeard]:
        """What there is of each node."""
        ...

    def rejects(self) -> list[RejectSample]:
        """Why lines were rejected, each with a sample."""
        ...

    def proxies(self) -> Pointers:
        """What of the newest requests points at proxies that are not declared, or not as they should be."""
        ...

    def health(self) -> Health:
        """How complete and how fresh the store is."""
        ...

    def status(self) -> NodeStatus | None:
        """How the node that fills the store is doing; None where nobody does."""
        ...

    def rejudge(self, since_us: int | None, told: Told = ...) -> Rejudged:
        """Judge stored flows, all or those of the days since, by the present trust list."""
        ...
