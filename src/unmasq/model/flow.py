"""The flow log: one JSON document a flow, with the names that users of Calico's flow logs know.

What a field means stands beside it, and goes into `unmasq schema flow` with the field of the Elastic Common Schema that
means the same (`x-ecs`).
"""

from typing import Annotated

from msgspec import Meta, Struct

CLAIMED = "claimed in headers (Calico-compatible, unverified)"
COUNTED = (
    "from the kernel; null if unknown. With the IP and TCP headers, as conntrack counts; under the flag application_bytes without them, "
    "as a socket counts (a FIN is one byte)"
)


def means(description: str, *, title: str | None = None, ecs: str | None = None) -> Meta:
    """What a field means, and its name in ECS."""
    return Meta(title=title, description=description, extra_json_schema={"x-ecs": ecs} if ecs else None)


class Hop(Struct, frozen=True):
    """One hop of a chain and who says so: a header's name, `kernel` or `socket`."""

    ip: Annotated[str | None, means("the address; null where an element of the header is none")]
    by: Annotated[str, means("the header that names it, `kernel`, `socket`, or `logged` for a log without our marker")]


class Chain(Struct, frozen=True):
    """Requests of one flow with the same observed end and the same headers."""

    observed: Annotated[str | None, means("who opened the connection: the NAT source where there is one, else the source")]
    headers: Annotated[dict[str, list[str]], means("every recorded header's elements, raw, in wire order")]
    hops: Annotated[list[Hop], means("left to right, the observed end last; what was not walked is only claimed")]
    client: Annotated[str | None, means("who is behind the requests; null with a flag that says why", ecs="client.ip")]
    evidence: Annotated[str | None, means("observed, forwarded or logged; null without a client")]
    flags: Annotated[list[str], means("what a reader must know of these requests")]
    requests: int
    bytes_in: Annotated[int | None, means("of the requests, as the proxy logged them")]
    bytes_out: Annotated[int | None, means("of the answers, as the proxy logged them")]
    first: Annotated[str, means("the first request, RFC 3339")]
    last: Annotated[str, means("the last request, RFC 3339")]
    statuses: Annotated[dict[str, int], means("requests by status")]
    methods: Annotated[dict[str, int], means("requests by method")]
    hosts: list[str]
    paths: Annotated[list[str], means("without query strings")]
    services: list[str]
    upstreams: list[str]
    user_agents: list[str]
    count_is_minimum: Annotated[bool, means("this one sums chains beyond the bound of a flow: their number is at least this")] = False


class Client(Struct, frozen=True):
    """One client of a flow, over its chains."""

    ip: Annotated[str, means("who is behind the requests", ecs="client.ip")]
    evidence: Annotated[str, means("observed, forwarded or logged")]
    requests: int
    bytes_in: Annotated[int | None, means("of the requests, as the proxy logged them", ecs="client.bytes")]
    bytes_out: Annotated[int | None, means("of the answers, as the proxy logged them")]
    first: Annotated[str, means("the first request, RFC 3339")]
    last: Annotated[str, means("the last request, RFC 3339")]


class Tuple(Struct, frozen=True):
    """One direction of a connection."""

    source_ip: str
    source_port: int
    dest_ip: str
    dest_port: int


class Connection(Struct, frozen=True):
    """The kernel's record; times are RFC 3339, null where unknown or still open."""

    id: Annotated[int, means("the kernel's id of conntrack's entry, else of the socket; unique while that lives")]
    original: Annotated[Tuple, means("as the client's packets had it; where only the socket is watched, as the proxy has it")]
    reply: Annotated[Tuple, means("as the answers had it; reversed, it is what the proxy's socket saw")]
    start: Annotated[str | None, means("the kernel's time stamp; where only the socket is watched, when it was first seen")]
    end: str | None


class Unmasq(Struct, frozen=True):
    """What we add to the flow log."""

    id: Annotated[str, means("UUIDv7, minted once", ecs="event.id")]
    node: Annotated[str, means("the node that joined it", ecs="observer.name")]
    join: Annotated[
        str,
        means(
            "exact, nat, remote-nat, partial (by source, time and listener: the lines lack the proxy's own end), unwitnessed or unlogged: "
            "how requests and connection were brought together"
        ),
    ]
    flags: Annotated[list[str], means("what a reader must know of the flow or one of its chains")]
    nat_source_ip: Annotated[str | None, means("the source before a node translated it, from the kernel", ecs="source.nat.ip")]
    connection: Annotated[Connection | None, means("null without a witness")]
    time_source: Annotated[str, means("line, log, live or read: where the times of its requests come from")]
    trust_version: Annotated[int, means("the trust list that judged it")]
    listener: Annotated[str | None, means("where the proxy accepted the connection")]
    requests: int
    chains: list[Chain]
    clients: Annotated[list[Client], means("most requests first, at most 100; the address index has every one")]
    provisional: Annotated[bool, means("still open: figures and id may change")] = False


class Flow(Struct, frozen=True):
    """One connection over one interval. `source_*` and `dest_*` are what the proxy saw."""

    start_time: Annotated[int, means("start of the interval, Unix seconds")]
    end_time: Annotated[int, means("end of the interval, Unix seconds")]
    source_ip: Annotated[str | None, means("the other end of the proxy's socket; null where the log does not say", ecs="source.ip")]
    source_port: Annotated[int | None, means("the other end of the proxy's socket", ecs="source.port")]
    source_name: str
    source_name_aggr: Annotated[str, means("pub, pvt, or - for none")]
    source_namespace: str
    source_type: Annotated[str, means("net: an address that is no pod")]
    dest_ip: Annotated[str | None, means("the proxy's own address", ecs="destination.ip")]
    dest_port: Annotated[int | None, means("the proxy's own port", ecs="destination.port")]
    dest_name: Annotated[str, means("the proxy's pod, where its log was read as a pod's; else -")]
    dest_name_aggr: Annotated[str, means("PREFIX-* of the proxy's pod; else pub, pvt, or - for none")]
    dest_namespace: Annotated[str, means("the namespace of the proxy's pod, or -", ecs="orchestrator.namespace")]
    dest_type: Annotated[str, means("wep: a pod; net: an address that is not known as one")]
    dest_service_namespace: str
    dest_service_name: str
    dest_service_port: str
    proto: Annotated[str, means("tcp, udp, ...", ecs="network.transport")]
    action: str
    reporter: str
    host: Annotated[str, means("the node that collected it", ecs="host.name")]
    bytes_in: Annotated[int | None, means(f"to the proxy in this interval, {COUNTED}", ecs="source.bytes")]
    bytes_out: Annotated[int | None, means(f"from the proxy in this interval, {COUNTED}", ecs="destination.bytes")]
    packets_in: Annotated[int | None, means("as bytes_in", ecs="source.packets")]
    packets_out: Annotated[int | None, means("as bytes_out", ecs="destination.packets")]
    num_flows: int
    num_flows_started: Annotated[int, means("1 if the connection began in this interval")]
    num_flows_completed: Annotated[int, means("1 if the connection ended in this interval")]
    original_source_ips: Annotated[
        list[str] | None,
        means(
            "X-Real-IP if it is an address, else the left-most of X-Forwarded-For; at most 50", title=CLAIMED, ecs="network.forwarded_ip"
        ),
    ]
    num_original_source_ips: Annotated[int, means("how many distinct ones there are, exactly", title=f"distinct addresses {CLAIMED}")]
    unmasq: Unmasq
