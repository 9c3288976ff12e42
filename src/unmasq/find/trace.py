"""The question of the product: who is this address, by which ways did it come, and what of it is only claimed."""

from collections import Counter
from collections.abc import Sequence

from unmasq.base.moments import text, text_or_none
from unmasq.find.answer import Near, Path, PathHop, Pointers, Seen, Trace
from unmasq.find.parts import Parts, is_walked, name_of
from unmasq.find.proxies import pointers
from unmasq.keep.protocol import Asked
from unmasq.keep.shapes import ChainGroup, Lifetime, RoleSpan
from unmasq.model.address import Range, around
from unmasq.model.filter import FlowFilter
from unmasq.unwind.trust import TrustList

MOST_PATHS = 1000
MOST_CLIENTS = 1000
LOOKED_AT = 5000
"""Newest chains that are looked at for what points at proxies: a trace is to be quick."""


def trace(store: Asked, trust: TrustList, address: Range, wanted: FlowFilter, *, is_quick: bool = False) -> Trace:
    """Everything that the store knows of an address or range within a filter; proxies have the names of `trust`.

    A quick one leaves out what is near and what is beside, which takes as long as all of the rest.
    """
    spans = store.span(address, wanted)
    life = _life(spans) if wanted.is_empty else store.lifetime(address)
    groups = store.chains(address, wanted, MOST_PATHS) if spans else []
    parts = Parts(groups, trust)
    unlisted = _unlisted(spans, groups)
    return Trace(
        address=address.text,
        name=name_of(address.text, trust) if address.is_single else None,
        found=bool(spans),
        since=text_or_none(wanted.since_us),
        until=text_or_none(wanted.until_us),
        first_seen=text_or_none(life.first_us),
        last_seen=text_or_none(life.last_us),
        roles=[_seen(span) for span in spans],
        direct=parts.direct(),
        forwarded=parts.forwarded(),
        logged=parts.logged(),
        claimed=parts.claimed(),
        carried=parts.carried(),
        undeclared=parts.undeclared(),
        paths=[_path(group, trust) for group in parts.ways],
        complete=not unlisted,
        unlisted=unlisted,
        clients=[] if address.is_single else store.clients(address, wanted, MOST_CLIENTS),
        near=_near(store, address, wanted) if address.is_single and not is_quick else None,
        beside=Pointers([], []) if is_quick else _beside(store, trust, parts),
        data=store.health(),
    )


def _life(spans: Sequence[RoleSpan]) -> Lifetime:
    """The lifetime, where nothing is filtered: from the first to the last of all roles."""
    firsts = [span.first_us for span in spans if span.first_us is not None]
    lasts = [span.last_us for span in spans if span.last_us is not None]
    return Lifetime(min(firsts, default=None), max(lasts, default=None))


def _unlisted(spans: Sequence[RoleSpan], groups: Sequence[ChainGroup]) -> int:
    """Requests on paths of which there were too many to look at each: those of a client or claim, else those of a source."""
    left = Counter({span.role: span.requests for span in spans})
    for group in groups:
        left[group.role] -= group.requests
    of_its_own = left["client"] + left["claim"]
    return of_its_own if {"client", "claim"} & left.keys() else max(left.values(), default=0)


def _beside(store: Asked, trust: TrustList, parts: Parts) -> Pointers:
    """What points at proxies among those who named the address, or were named for it. Asked only where somebody was."""
    writers = {part.writer for part in parts.claimed() if part.name is None} - {None}
    clients = {group.client for group in parts.ways if group.evidence == "forwarded"}
    if not writers | clients:
        return Pointers([], [])
    found = pointers(store.proxies(LOOKED_AT), trust)
    return Pointers(
        [each for each in found.undeclared if each.ip in writers],
        [each for each in found.lonely if each.client in clients],
    )


def _near(store: Asked, address: Range, wanted: FlowFilter) -> Near:
    """The other clients of the /24 or /64 in the window, and those that look alike."""
    neighbourhood, window = around(address), FlowFilter(since_us=wanted.since_us, until_us=wanted.until_us)
    others = [c for c in store.clients(neighbourhood, window, MOST_CLIENTS) if c.ip != address.text]
    alike = store.same_agent(address, window, MOST_CLIENTS)
    return Near(
        range=neighbourhood.text,
        clients=len(others),
        requests=sum(c.requests for c in others),
        at_least=len(others) >= MOST_CLIENTS - 1,
        same_agent=alike.clients if alike.agents else None,
        same_agent_at_least=alike.clients >= MOST_CLIENTS,
    )


def _seen(span: RoleSpan) -> Seen:
    return Seen(span.role, span.requests, span.connections, span.flows, text_or_none(span.first_us), text_or_none(span.last_us))


def _path(group: ChainGroup, trust: TrustList) -> Path:
    return Path(
        role=group.role,
        hops=[
            PathHop(hop.ip, hop.by, name_of(hop.ip, trust, named.by if named else None))
            for named, hop in zip([None, *group.hops], group.hops, strict=False)
        ],
        dest=group.dest,
        dest_port=group.dest_port,
        client=group.client,
        evidence=group.evidence,
        claimed=group.address if group.role == "claim" and not is_walked(group) else None,
        translated=group.source if group.observed not in (group.source, None) else None,
        join=group.join,
        node=group.node,
        flags=group.flags,
        requests=group.requests,
        connections=group.connections,
        first=text(group.first_us),
        last=text(group.last_us),
        statuses=group.statuses,
        paths=group.paths,
    )
