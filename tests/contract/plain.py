"""The meaning of the questions in plain Python, over documents: what every store's answer must equal."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from msgspec import json

from tests.contract.traffic import MadeFlow
from unmasq.keep.shapes import ChainGroup
from unmasq.model.address import Range, parse, parse_range, to_text
from unmasq.model.filter import FlowFilter
from unmasq.model.flow import Chain, Flow
from unmasq.model.flowbatch import Role
from unmasq.model.ingress import TimeSource
from unmasq.unwind.claims import KINDS, named

Addresses = set[tuple[int, int]]
Hit = tuple[Chain | None, Flow]


def made(flow: Flow, of: Sequence[MadeFlow]) -> MadeFlow:
    """What the test wrote down for a document: ids count from 1."""
    return of[made_number(flow) - 1]


def made_number(flow: Flow) -> int:
    """The id of a document as the test counted it."""
    return int(flow.unmasq.id.replace("-", "")[-8:], 16)


def pairs(texts: Iterable[str | None]) -> Addresses:
    return {pair for text in texts if text and (pair := parse(text))}


def claims(chain: Chain) -> Addresses:
    found = {named(name, element) for name, elements in chain.headers.items() for element in elements}
    return {pair for pair in found if pair}


def _original(chain: Chain) -> Addresses:
    for name in ("x-real-ip", "x-forwarded-for"):
        pair = parse(chain.headers[name][0]) if chain.headers.get(name) else None
        if pair:
            return {pair}
    return set()


def of_chain(chain: Chain) -> dict[Role, Addresses]:
    return {Role.CLIENT: pairs([chain.client]), Role.CLAIM: claims(chain), Role.ORIGINAL_SOURCE: _original(chain)}


def of_flow(flow: Flow) -> dict[Role, Addresses]:
    return {Role.SOURCE: pairs([flow.source_ip]), Role.NAT_SOURCE: pairs([flow.unmasq.nat_source_ip])}


def inside(addresses: Addresses, texts: Iterable[str | Range]) -> bool:
    ranges = [text if isinstance(text, Range) else parse_range(text) for text in texts]
    return any(r.first <= address <= r.last for address in addresses for r in ranges)


def _status(chain: Chain, wanted: str) -> bool:
    is_class = len(wanted) == 3 and wanted[0].isdecimal() and wanted[1:].lower() == "xx"
    return any(status == wanted or (is_class and len(status) == 3 and status[0] == wanted[0]) for status in chain.statuses)


CHAIN_FIELDS = ("client", "claim", "original_source", "evidence", "host", "path", "status", "service", "header", "via")
FLOW_FIELDS = ("source", "nat_source", "dest", "port", "to_namespace", "to_pod", "join")
OF_FLOWS = {"application_bytes"}


def left_out(wanted: FlowFilter) -> list[FlowFilter]:
    """One filter a value that is left out."""
    return [_alone(*text.split("=", 1)) for text in wanted.exclude]


def _alone(name: str, value: str) -> FlowFilter:
    name = name.strip().replace("-", "_")
    alone: dict[str, Any] = {name: (int(value) if name == "port" else value,)}
    return FlowFilter(**alone)


def _has(each: FlowFilter, names: Iterable[str]) -> bool:
    return any(getattr(each, name) for name in names)


def speaks_of_chains(wanted: FlowFilter) -> bool:
    return _has(wanted, CHAIN_FIELDS) or any(_has(each, (*CHAIN_FIELDS, "any", "flag")) for each in left_out(wanted))


def via(chain: Chain) -> Addresses:
    """Who passed a forwarded client on."""
    return pairs(hop.ip for hop in chain.hops[1:]) if chain.evidence == "forwarded" else set()


def chain_matches(chain: Chain, flow: Flow, wanted: FlowFilter) -> bool:
    roles = of_chain(chain)
    return all([
        not wanted.client or inside(roles[Role.CLIENT], wanted.client),
        not wanted.claim or inside(roles[Role.CLAIM], wanted.claim),
        not wanted.original_source or inside(roles[Role.ORIGINAL_SOURCE], wanted.original_source),
        not wanted.evidence or (chain.evidence or "none") in wanted.evidence,
        not wanted.host or any(host in wanted.host for host in chain.hosts),
        not wanted.path or any(path.startswith(wanted.path) for path in chain.paths),
        not wanted.status or any(_status(chain, status) for status in wanted.status),
        not wanted.service or any(service in wanted.service for service in chain.services),
        not wanted.header or any(chain.headers.get(name) for name in wanted.header),
        not wanted.via or inside(via(chain), wanted.via),
        _any_and_flag([chain], flow, wanted),
    ])  # fmt: skip


def _any_and_flag(chains: Sequence[Chain], flow: Flow, wanted: FlowFilter) -> bool:
    """Whether the flow or one of these chains has such an address, and one of them such a flag."""
    everybody = set().union(*of_flow(flow).values(), *(pairs for chain in chains for pairs in of_chain(chain).values()))
    flags = [flag for chain in chains for flag in chain.flags]
    flags += [flag for flag in flow.unmasq.flags if flag in OF_FLOWS or not flow.unmasq.chains]
    return (not wanted.any or inside(everybody, wanted.any)) and (not wanted.flag or any(flag in wanted.flag for flag in flags))


def is_left_out(chain: Chain, flow: Flow, each: FlowFilter) -> bool:
    """Whether a chain of a flow that is let through is left out for what it is itself."""
    if _has(each, CHAIN_FIELDS):
        return chain_matches(chain, flow, each)
    return inside(set().union(*of_chain(chain).values()), each.any) if each.any else any(flag in each.flag for flag in chain.flags)


def times(flow: Flow) -> tuple[int, int]:
    chains = flow.unmasq.chains
    firsts, lasts = [micros(c.first) for c in chains], [micros(c.last) for c in chains]
    return min(firsts, default=flow.start_time * 1_000_000), max(lasts, default=flow.start_time * 1_000_000)


def flow_matches(flow: Flow, wanted: FlowFilter) -> bool:
    roles = of_flow(flow)
    first, last = times(flow)
    return all([
        not wanted.source or inside(roles[Role.SOURCE], wanted.source),
        not wanted.nat_source or inside(roles[Role.NAT_SOURCE], wanted.nat_source),
        not wanted.dest or inside(pairs([flow.dest_ip]), wanted.dest),
        not wanted.port or flow.dest_port in wanted.port,
        not wanted.to_namespace or _like(flow, flow.dest_namespace, wanted.to_namespace),
        not wanted.to_pod or _like(flow, flow.dest_name, wanted.to_pod),
        not wanted.join or flow.unmasq.join in wanted.join,
        wanted.since_us is None or last >= wanted.since_us,
        wanted.until_us is None or first < wanted.until_us,
    ])  # fmt: skip


def _flow_is_left_out(flow: Flow, each: FlowFilter) -> bool:
    own = [flag for flag in flow.unmasq.flags if flag in OF_FLOWS or not flow.unmasq.chains]
    roles = set().union(*of_flow(flow).values())
    return (
        (_has(each, FLOW_FIELDS) and flow_matches(flow, each))
        or (bool(each.any) and inside(roles, each.any))
        or (bool(each.flag) and any(flag in each.flag for flag in own))
    )


def lets_through(flow: Flow, wanted: FlowFilter) -> bool:
    """Whether the filter wants a flow."""
    return matched(flow, wanted) is not None


def matching(flow: Flow, wanted: FlowFilter) -> list[Chain]:
    """The chains of a flow that the filter means; none if it does not want the flow."""
    return matched(flow, wanted) or []


def matched(flow: Flow, wanted: FlowFilter) -> list[Chain] | None:
    """The chains of a flow that the filter means, None if it does not want the flow: a flow may have no chain at all."""
    excluded, chains = left_out(wanted), flow.unmasq.chains
    if not flow_matches(flow, wanted) or any(_flow_is_left_out(flow, each) for each in excluded):
        return None
    if not speaks_of_chains(wanted) or (not chains and not _has(wanted, CHAIN_FIELDS)):
        return chains if _any_and_flag(chains, flow, wanted) else None
    kept = [c for c in chains if chain_matches(c, flow, wanted) and not any(is_left_out(c, flow, each) for each in excluded)]
    return kept or None


def _like(flow: Flow, name: str, patterns: Sequence[str]) -> bool:
    return flow.dest_type == "wep" and any(fnmatchcase(name, pattern) for pattern in patterns)


def micros(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def span(flows: Iterable[Flow], of: Sequence[MadeFlow], address: Range, wanted: FlowFilter) -> dict[str, tuple[object, ...]]:
    """role -> requests, connections, flows, first, last."""
    hits: dict[Role, list[Hit]] = defaultdict(list)
    for flow in flows:
        for chain in parts(flow, wanted):
            for role, addresses in roles_of(chain, flow).items():
                if inside(addresses, [address]):
                    hits[role].append((chain, flow))
    return {role.label: _figures(hits[role], of) for role in sorted(hits)}


def parts(flow: Flow, wanted: FlowFilter) -> Sequence[Chain | None]:
    """The chains of a flow that the filter means; of a flow without chains one None."""
    found = matched(flow, wanted)
    return [] if found is None else found or [None]


def roles_of(chain: Chain | None, flow: Flow) -> dict[Role, Addresses]:
    return (of_chain(chain) if chain else {}) | of_flow(flow)


def first_us(chain: Chain | None, flow: Flow) -> int:
    return micros(chain.first) if chain else times(flow)[0]


def last_us(chain: Chain | None, flow: Flow) -> int:
    return micros(chain.last) if chain else times(flow)[1]


def _figures(hits: list[Hit], of: Sequence[MadeFlow]) -> tuple[object, ...]:
    timed = [first_us(chain, flow) for chain, flow in hits if made(flow, of).time_source != TimeSource.READ]
    return (
        sum(chain.requests for chain, _ in hits if chain),
        len({made(flow, of).connection for _, flow in hits}),
        len({flow.unmasq.id for _, flow in hits}),
        min(timed, default=None),
        max(last_us(chain, flow) for chain, flow in hits),
    )


def paths(flows: Iterable[Flow], of: Sequence[MadeFlow], address: Range, wanted: FlowFilter) -> dict[bytes, tuple[object, ...]]:
    """What a path looks like -> requests, connections, first, last, requests by status, what was asked for."""
    hits: dict[bytes, list[tuple[Chain, Flow]]] = defaultdict(list)
    for flow in flows:
        for chain in matching(flow, wanted):
            for role, addresses in (of_chain(chain) | of_flow(flow)).items():
                for pair in addresses:
                    if inside({pair}, [address]):
                        hits[_picture(role, pair, chain, flow)].append((chain, flow))
    return {picture: _path_figures(each, of) for picture, each in hits.items()}


def _picture(role: Role, pair: tuple[int, int], chain: Chain, flow: Flow) -> bytes:
    naming = [name for name in KINDS for element in chain.headers.get(name, []) if named(name, element) == pair]
    return json.encode([
        role.label, to_text(*pair), chain.client, chain.evidence, chain.observed, flow.source_ip, flow.dest_ip, flow.dest_port,
        flow.unmasq.join, flow.host, chain.hops, list(dict.fromkeys(naming)) if role == Role.CLAIM else [], chain.flags,
    ])  # fmt: skip


def _path_figures(hits: list[tuple[Chain, Flow]], of: Sequence[MadeFlow]) -> tuple[object, ...]:
    statuses: Counter[str] = Counter()
    for chain, _ in hits:
        statuses.update(chain.statuses)
    return (
        sum(chain.requests for chain, _ in hits),
        len({made(flow, of).connection for _, flow in hits}),
        min(micros(chain.first) for chain, _ in hits),
        max(micros(chain.last) for chain, _ in hits),
        dict(statuses),
        {path for chain, _ in hits for path in chain.paths},
    )


def drawn(group: ChainGroup) -> tuple[bytes, tuple[object, ...]]:
    """A group of a store in the form of `paths`."""
    g = group
    picture = [
        g.role,
        g.address,
        g.client,
        g.evidence,
        g.observed,
        g.source,
        g.dest,
        g.dest_port,
        g.join,
        g.node,
        g.hops,
        g.headers,
        g.flags,
    ]
    return json.encode(picture), (g.requests, g.connections, g.first_us, g.last_us, g.statuses, set(g.paths))
