"""The meaning of the questions in plain Python, over documents: what every store's answer must equal."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from msgspec import json

from tests.contract.traffic import MadeFlow
from unmasq.keep.protocol import ChainGroup
from unmasq.model.address import Range, parse, parse_range, to_text
from unmasq.model.filter import FlowFilter
from unmasq.model.flow import Chain, Flow
from unmasq.model.flowbatch import Role
from unmasq.model.ingress import TimeSource
from unmasq.unwind.claims import KINDS, named

Addresses = set[tuple[int, int]]


def made(flow: Flow, of: Sequence[MadeFlow]) -> MadeFlow:
    """What the test wrote down for a document: ids count from 1."""
    return of[int(flow.unmasq.id.replace("-", "")[-8:], 16) - 1]


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
    return any(status == wanted or (wanted.endswith("xx") and len(status) == 3 and status[0] == wanted[0]) for status in chain.statuses)


def speaks_of_chains(wanted: FlowFilter) -> bool:
    fields = (wanted.client, wanted.claim, wanted.original_source, wanted.evidence, wanted.host, wanted.path, wanted.status)
    return any(fields)


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
        _any_and_flag([chain], flow, wanted),
    ])  # fmt: skip


def _any_and_flag(chains: Sequence[Chain], flow: Flow, wanted: FlowFilter) -> bool:
    """Whether the flow or one of these chains has such an address, and one of them such a flag."""
    everybody = set().union(*of_flow(flow).values(), *(pairs for chain in chains for pairs in of_chain(chain).values()))
    flags = [flag for chain in chains for flag in chain.flags]
    return (not wanted.any or inside(everybody, wanted.any)) and (not wanted.flag or any(flag in wanted.flag for flag in flags))


def matching(flow: Flow, wanted: FlowFilter) -> list[Chain]:
    """The chains of a flow that the filter means; none if it does not want the flow."""
    roles = of_flow(flow)
    first, last = min(chain.first for chain in flow.unmasq.chains), max(chain.last for chain in flow.unmasq.chains)
    flow_matches = [
        not wanted.source or inside(roles[Role.SOURCE], wanted.source),
        not wanted.nat_source or inside(roles[Role.NAT_SOURCE], wanted.nat_source),
        not wanted.dest or inside(pairs([flow.dest_ip]), wanted.dest),
        not wanted.port or flow.dest_port in wanted.port,
        not wanted.to_namespace or _like(flow, flow.dest_namespace, wanted.to_namespace),
        not wanted.to_pod or _like(flow, flow.dest_name, wanted.to_pod),
        not wanted.join or flow.unmasq.join in wanted.join,
        wanted.since_us is None or micros(last) >= wanted.since_us,
        wanted.until_us is None or micros(first) < wanted.until_us,
    ]
    chains = flow.unmasq.chains
    if not all(flow_matches):
        return []
    if speaks_of_chains(wanted):
        return [chain for chain in chains if chain_matches(chain, flow, wanted)]
    return chains if _any_and_flag(chains, flow, wanted) else []


def _like(flow: Flow, name: str, patterns: Sequence[str]) -> bool:
    return flow.dest_type == "wep" and any(fnmatchcase(name, pattern) for pattern in patterns)


def micros(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def span(flows: Iterable[Flow], of: Sequence[MadeFlow], address: Range, wanted: FlowFilter) -> dict[str, tuple[object, ...]]:
    """role -> requests, connections, flows, first, last."""
    hits: dict[Role, list[tuple[Chain, Flow]]] = defaultdict(list)
    for flow in flows:
        for chain in matching(flow, wanted):
            for role, addresses in (of_chain(chain) | of_flow(flow)).items():
                if inside(addresses, [address]):
                    hits[role].append((chain, flow))
    return {role.label: _figures(hits[role], of) for role in sorted(hits)}


def _figures(hits: list[tuple[Chain, Flow]], of: Sequence[MadeFlow]) -> tuple[object, ...]:
    timed = [micros(chain.first) for chain, flow in hits if made(flow, of).time_source != TimeSource.READ]
    return (
        sum(chain.requests for chain, _ in hits),
        len({made(flow, of).connection for _, flow in hits}),
        len({flow.unmasq.id for _, flow in hits}),
        min(timed, default=None),
        max(micros(chain.last) for chain, _ in hits),
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
