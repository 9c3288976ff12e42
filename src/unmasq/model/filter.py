"""Which flows: the one filter that is the CLI's flags, the URL's query and the store's predicate."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class FlowFilter:
    """Repeat a field = or; different fields = and. Addresses may be ranges; times are microseconds UTC."""

    client: tuple[str, ...] = ()
    """Who is behind the request, as judged."""
    source: tuple[str, ...] = ()
    """The other end of the proxy's socket."""
    original_source: tuple[str, ...] = ()
    """Claimed in headers, by the rule of Calico's original_source_ips; unverified."""
    claim: tuple[str, ...] = ()
    """Named by any header, whoever wrote it; unverified."""
    nat_source: tuple[str, ...] = ()
    """The source before a node translated it."""
    any: tuple[str, ...] = ()
    """An address in any of these roles."""
    dest: tuple[str, ...] = ()
    """The proxy's own address."""
    port: tuple[int, ...] = ()
    """The proxy's own port."""
    to_namespace: tuple[str, ...] = ()
    """The namespace of the proxy's pod; * and ? stand for other characters."""
    to_pod: tuple[str, ...] = ()
    """The name of the proxy's pod; * and ? stand for other characters."""
    evidence: tuple[str, ...] = ()
    """observed, forwarded or logged."""
    join: tuple[str, ...] = ()
    """exact, nat, remote-nat, partial, unwitnessed or unlogged."""
    flag: tuple[str, ...] = ()
    """obscured, all_trusted, header_conflict, snat_elsewhere, late, test, rejected, others, application_bytes or many_claims."""
    host: tuple[str, ...] = ()
    """The Host that was asked for."""
    path: tuple[str, ...] = ()
    """The beginning of the path that was asked for."""
    status: tuple[str, ...] = ()
    """A status code (404) or its class (4xx)."""
    service: tuple[str, ...] = ()
    """The service that answered, as the proxy calls it."""
    via: tuple[str, ...] = ()
    """A trusted proxy by which a forwarded client came; not whoever is only claimed."""
    header: tuple[str, ...] = ()
    """The name of a header that the request carried: x-real-ip."""
    exclude: tuple[str, ...] = ()
    """FIELD=VALUE, a field and value as above, of what is left out."""
    since_us: int | None = None
    """Flows with a request at or after this time."""
    until_us: int | None = None
    """Flows with a request before this time."""

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return all(getattr(self, f.name) in ((), None) for f in fields(self))
