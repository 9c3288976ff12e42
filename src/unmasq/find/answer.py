"""The shape of the answer about one address or range: the body of `/api/v1/trace/ADDRESS` and of `unmasq trace -o json`.

Times are RFC 3339, but for those that are called `_us`. `name` is what the trust list calls a proxy, null for everybody else.
"""

from msgspec import Struct

from unmasq.keep.shapes import Health, RangeClient
from unmasq.model.completeness import Completeness


class Seen(Struct, frozen=True):
    """What the address was in one role of the address index; `first` leaves out times that are only read times."""

    role: str
    requests: int
    connections: int
    flows: int
    first: str | None
    last: str | None


class Direct(Struct, frozen=True):
    """Requests whose connection the address opened itself, as the `kernel` or the proxy's `socket` saw it.

    `source` is the address that the proxy logged instead, where a node translated it.
    """

    requests: int
    seen_by: str
    source: str | None
    node: str


class Forwarded(Struct, frozen=True):
    """Requests for which a trusted proxy names the address as the client."""

    requests: int
    proxy: str
    name: str | None
    header: str


class Claimed(Struct, frozen=True):
    """Requests in which a header names the address and nobody who is trusted wrote it; `writer` null: it cannot be known."""

    requests: int
    writer: str | None
    name: str | None
    headers: list[str]


class Carried(Struct, frozen=True):
    """Requests that the address passed on, or whose source was translated to it (`how`), for other clients.

    `clients` counts them; requests whose client cannot be known add none.
    """

    requests: int
    how: str
    clients: int
    name: str | None
    header: str | None


class PathHop(Struct, frozen=True):
    """One hop and who says so: a header's name, `kernel`, `socket` or `logged`."""

    ip: str | None
    by: str
    name: str | None


class Undeclared(Struct, frozen=True):
    """An address that nobody trusts and that names many others in headers: mostly a proxy that was not declared.

    `claims` is how many it names on one path, or in the newest requests, at most one a request; it may name more on another.
    """

    ip: str
    claims: int


class Lonely(Struct, frozen=True):
    """A trusted proxy of which one forwarded client has nearly all requests: mostly that client is another proxy.

    Or the proxy writes the client into another header than the one that it is trusted for.
    """

    name: str
    header: str
    requests: int
    client: str
    client_requests: int


class Pointers(Struct, frozen=True, omit_defaults=True):
    """What of the newest requests points at proxies that are not declared, or not as they should be.

    `completeness` is of all that is kept; none where they are part of an answer that has its own.
    """

    undeclared: list[Undeclared]
    lonely: list[Lonely]
    completeness: Completeness | None = None


class Path(Struct, frozen=True):
    """Requests that came the same way, left to right, to the proxy's own address; most requests first.

    `translated` is what the proxy logged in place of the last hop, where a node translated that; it is no hop.
    """

    role: str
    hops: list[PathHop]
    dest: str | None
    dest_port: int | None
    client: str | None
    evidence: str | None
    claimed: str | None
    translated: str | None
    join: str
    node: str
    flags: list[str]
    requests: int
    connections: int
    first: str
    last: str
    statuses: dict[str, int]
    paths: list[str]


class Near(Struct, frozen=True):
    """Other clients in the range around the address, with their requests in the window, and those with one of its user agents.

    `at_least` and `same_agent_at_least`: there are more. `same_agent` is of the newest day of the address in the window, null
    where its user agent is not known.
    """

    range: str
    clients: int
    requests: int
    at_least: bool
    same_agent: int | None
    same_agent_at_least: bool


class Trace(Struct, frozen=True):
    """Everything about one address, in the order in which a person wants to know it.

    `roles`, `direct`, `forwarded`, `logged`, `claimed`, `carried` and `paths` are of the window; `first_seen` and `last_seen`
    are of all that the store keeps. `complete` is false where only the paths with most requests were looked at, which leaves out
    `unlisted` requests. `beside` is of the newest requests alone, of the writers and proxies that the answer names.
    `name` is what the trust list calls the address itself. `data` is of all that is kept, `completeness` of the window.
    """

    address: str
    name: str | None
    found: bool
    since: str | None
    until: str | None
    first_seen: str | None
    last_seen: str | None
    roles: list[Seen]
    direct: list[Direct]
    forwarded: list[Forwarded]
    logged: int
    claimed: list[Claimed]
    carried: list[Carried]
    undeclared: list[Undeclared]
    paths: list[Path]
    complete: bool
    unlisted: int
    clients: list[RangeClient]
    near: Near | None
    beside: Pointers
    data: Health
    completeness: Completeness | None = None
