"""The shapes of a store's answers. Times are microseconds UTC, but in flows."""

from dataclasses import dataclass, field

from msgspec import Struct

from unmasq.model.completeness import Completeness
from unmasq.model.flow import Flow, Hop
from unmasq.model.ingress import FileIdentity


class FlowPage(Struct, frozen=True):
    """Flows, newest first; `next` is the key of the page behind this one, null at the end."""

    flows: list[Flow]
    next: str | None
    completeness: Completeness | None = None
    """Of the window, in every answer to a person or program; a store leaves it to whoever knows its nodes. So it is below."""


class RoleSpan(Struct, frozen=True):
    """What an address was in one role. Times are microseconds UTC; `first_us` ignores times that are only read times."""

    role: str
    requests: int
    connections: int
    flows: int
    first_us: int | None
    last_us: int | None


class Lifetime(Struct, frozen=True):
    """First and last time of an address, microseconds UTC, null where it is not known; `first_us` as in `RoleSpan`."""

    first_us: int | None
    last_us: int | None


class ChainGroup(Struct, frozen=True):
    """Requests in which an address played one role, with the same walked hops, writer and destination."""

    role: str
    address: str
    client: str | None
    evidence: str | None
    observed: str | None
    source: str | None
    dest: str | None
    dest_port: int | None
    join: str
    node: str
    hops: list[Hop]
    headers: list[str]  # the names of the headers that name the address, for claims
    flags: list[str]
    requests: int
    connections: int
    first_us: int
    last_us: int
    claims: int = 0  # distinct addresses that the headers name beyond the hops
    statuses: dict[str, int] = {}
    paths: list[str] = []


class RangeClient(Struct, frozen=True):
    """One client of a range, with its requests."""

    ip: str
    requests: int


class SameAgent(Struct, frozen=True):
    """User agents of a client, and how many other clients sent one of them that day."""

    agents: list[str]
    clients: int


class Bearer(Struct, frozen=True):
    """A client, and how many other addresses its headers name: a proxy that nobody declared names many."""

    ip: str
    requests: int
    claims: int


class Relay(Struct, frozen=True):
    """An observed end that forwarded requests, and the client that had most of them."""

    ip: str
    requests: int
    client: str
    client_requests: int


class Proxies(Struct, frozen=True):
    """What so many chains, the newest, tell of proxies: bearers by claims, relays by requests, a bounded number of each."""

    chains: int
    bearers: list[Bearer]
    relays: list[Relay]


class Health(Struct, frozen=True):
    """Whether an answer can be trusted."""

    nodes: int
    flows: int
    newest_us: int | None
    oldest_us: int | None
    requests: int
    joined: int  # requests whose connection the kernel witnessed
    rejects: dict[str, int]
    trust_version: int
    judged_by_older: int  # flows that an older trust list judged
    unwritten: dict[str, str] = {}  # the file of a day that cannot be written now -> why
    unreadable: dict[str, str] = {}  # a file that cannot be read, so that its day is left out of every answer -> why


class Bucket(Struct, frozen=True):
    """Requests of one stretch of time that begins at `start_us`, by the evidence of their clients."""

    start_us: int
    observed: int
    forwarded: int
    logged: int
    unknown: int  # whose client cannot be known


class Histogram(Struct, frozen=True):
    """Requests over time: buckets of equal width from the first to the last, those without requests as well."""

    width_us: int
    buckets: list[Bucket]
    completeness: Completeness | None = None


COUNTED = (
    "client", "source", "nat_source", "dest", "port", "to_namespace", "to_pod", "evidence", "join", "flag", "host", "path", "status",
    "service",
)  # fmt: skip
"""Fields of `FlowFilter` whose values can be counted."""


class FacetValue(Struct, frozen=True):
    """One value of a field, with its requests."""

    value: str
    requests: int


class Facet(Struct, frozen=True):
    """The values of one field of `FlowFilter` with most requests; `more` says that there are others."""

    field: str
    values: list[FacetValue]
    more: bool


class Facets(Struct, frozen=True):
    """Facets of the newest `counted` flows of a filter; `complete` where those are all of them.

    `since_us` is the start of the oldest one that was counted, null where there is none.
    """

    facets: list[Facet]
    counted: int
    complete: bool
    since_us: int | None
    completeness: Completeness | None = None


class Ranked(Struct, frozen=True):
    """One address in one role, with what it did within the filter. `is_new`: nothing of it is kept from before the window."""

    ip: str
    requests: int
    flows: int
    bytes_out: int | None
    first_us: int
    last_us: int
    evidence: list[str]
    is_new: bool


class Top(Struct, frozen=True):
    """The addresses with most requests, of `addresses` in all that had `requests` together."""

    by: str
    ranked: list[Ranked]
    addresses: int
    requests: int
    completeness: Completeness | None = None


class NodeFlows(Struct, frozen=True):
    """What the store has of one node."""

    node: str
    flows: int
    requests: int
    joined: int
    newest_us: int | None
    oldest_us: int | None


class NodeWithin(Struct, frozen=True):
    """What a store has of one node within a window; `newest_us` is its newest flow before the end, which may lie before the beginning."""

    flows: int
    requests: int
    joined: int
    newest_us: int | None


class Within(Struct, frozen=True):
    """What a store holds of a window: batches of flows that it touches, by node, and the rejects of its days."""

    nodes: dict[str, NodeWithin]
    rejects: dict[str, int]
    trust_version: int
    judged_by_older: int
    unwritten: dict[str, str] = {}
    unreadable: dict[str, str] = {}


class RejectSample(Struct, frozen=True):
    """Lines that were rejected for one reason, and the start of one of them."""

    reason: str
    amount: int
    sample: str


@dataclass(frozen=True)
class Covered:
    """The bytes of one file that the store holds: sorted, merged runs [start, end)."""

    file: FileIdentity
    runs: list[tuple[int, int]] = field(default_factory=list)
