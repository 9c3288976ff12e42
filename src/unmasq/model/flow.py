"""The flow log: one JSON document a flow, with the names that users of Calico's flow logs know."""

from typing import Annotated

from msgspec import Meta, Struct


class Hop(Struct, frozen=True):
    """One hop of a chain and who says so: a header's name, `kernel` or `socket`."""

    ip: str | None
    by: str


class Chain(Struct, frozen=True):
    """Requests of one flow with the same observed end and the same headers."""

    observed: str | None
    headers: Annotated[dict[str, list[str]], Meta(description="every recorded header's elements, raw, in wire order")]
    hops: Annotated[list[Hop], Meta(description="left to right, the observed end last; what was not walked is only claimed")]
    client: str | None
    evidence: str | None
    flags: list[str]
    requests: int
    bytes_in: int | None
    bytes_out: int | None
    first: str
    last: str
    statuses: dict[str, int]
    methods: dict[str, int]
    hosts: list[str]
    paths: list[str]
    services: list[str]
    upstreams: list[str]
    user_agents: list[str]
    count_is_minimum: bool = False


class Client(Struct, frozen=True):
    """One client of a flow, over its chains."""

    ip: str
    evidence: str
    requests: int
    bytes_in: int | None
    bytes_out: int | None
    first: str
    last: str


class Tuple(Struct, frozen=True):
    """One direction of a connection."""

    source_ip: str
    source_port: int
    dest_ip: str
    dest_port: int


class Connection(Struct, frozen=True):
    """The kernel's record; times are RFC 3339, null where unknown or still open."""

    id: int
    original: Tuple
    reply: Tuple
    start: str | None
    end: str | None


class Unmasq(Struct, frozen=True):
    """What we add to the flow log."""

    id: str
    node: str
    join: str
    flags: list[str]
    nat_source_ip: str | None
    connection: Connection | None
    time_source: str
    trust_version: int
    listener: str | None
    requests: int
    chains: list[Chain]
    clients: list[Client]
    provisional: bool = False


class Flow(Struct, frozen=True):
    """One connection over one interval. `source_*` and `dest_*` are what the proxy saw."""

    start_time: Annotated[int, Meta(description="start of the interval, Unix seconds")]
    end_time: Annotated[int, Meta(description="end of the interval, Unix seconds")]
    source_ip: str | None
    source_port: int | None
    source_name: str
    source_name_aggr: str
    source_namespace: str
    source_type: str
    dest_ip: str | None
    dest_port: int | None
    dest_name: str
    dest_name_aggr: str
    dest_namespace: str
    dest_type: str
    dest_service_namespace: str
    dest_service_name: str
    dest_service_port: str
    proto: str
    action: str
    reporter: str
    host: Annotated[str, Meta(description="the node that collected it")]
    bytes_in: int | None
    bytes_out: int | None
    packets_in: int | None
    packets_out: int | None
    num_flows: int
    num_flows_started: int
    num_flows_completed: int
    original_source_ips: Annotated[
        list[str] | None, Meta(title="claimed in headers (Calico-compatible, unverified)", description="at most 50 are listed")
    ]
    num_original_source_ips: Annotated[int, Meta(title="distinct addresses claimed in headers (Calico-compatible, unverified)")]
    unmasq: Unmasq
