"""The walk: from the observed end of a connection, hop by hop over trusted proxies, to the client.

`walk` is the rule, for one chain (design, section 6). `explain` prints its steps, the flow log its hops.
`unmasq.unwind.judge` does the same for columns and leaves to this one what is not common.
"""

from collections.abc import Mapping
from typing import NamedTuple

from unmasq.model.address import NONE
from unmasq.model.flowbatch import Evidence, Flag
from unmasq.unwind.claims import NOTES, REPORTED_BY, SOURCE_BY, elements, header_values, named, shortcomings
from unmasq.unwind.trust import HEADERS, LISTS, TrustList

Pair = tuple[int, int]
PROXY = "proxy-protocol"
KERNEL, SOCKET, LOGGED = "kernel", "socket", "logged"
"""Who names the start: the kernel saw a connection from it, or the proxy's own socket alone; or only a log does, of a format in which
nothing tells the socket's word from a header's."""


class WalkedHop(NamedTuple):
    """An address (NONE where an element is no address) and who names it: a header, `kernel` or `socket`."""

    address: Pair
    by: str


class Verdict(NamedTuple):
    """Who is behind a chain: `hops` run left to right, the observed end last."""

    client: Pair
    evidence: Evidence
    flags: Flag
    hops: tuple[WalkedHop, ...]


class Headers(NamedTuple):
    """One header text, read: the addresses that each header names, which headers were recorded up to their ends, and which in part.

    Of those in part the last elements were recorded; earlier ones may be missing.
    """

    named: Mapping[str, list[Pair]]
    ended: frozenset[str]
    partly: frozenset[str]


def read_headers(text: str) -> Headers:
    """The claims of one header text."""
    values = header_values(text)
    cut, partly = shortcomings(values)
    recorded = {name: value for name, value in values.items() if name not in NOTES}
    claims = {name: [named(name, e) or NONE for e in elements(name, value)] for name, value in recorded.items()}
    return Headers(claims, frozenset(recorded) - cut, partly)


def walk(start: Pair, by: str, headers: Headers, trust: TrustList, *, snat_elsewhere: bool = False) -> Verdict:
    """Who is behind the requests that arrived from `start` with these headers. `by`: KERNEL or SOCKET."""
    if headers.named.get(REPORTED_BY):
        # One address on the word of whoever holds a socket, who may name any connection of the node: it makes nobody a client.
        return Verdict(NONE, Evidence.NONE, Flag.OBSCURED, () if start == NONE else (WalkedHop(start, by),))
    if start == NONE:
        return _without_start(headers, trust)
    if headers.named.get(SOURCE_BY) and by != KERNEL:
        # A stranger may have sent the PROXY header that names the start: it is one only where the kernel saw it connect.
        return Verdict(NONE, Evidence.NONE, Flag.OBSCURED, (WalkedHop(start, PROXY),))
    if by != KERNEL and headers.named.get(LOGGED):
        by = LOGGED
    hop = WalkedHop(start, by)
    if snat_elsewhere:
        return Verdict(NONE, Evidence.NONE, Flag.SNAT_ELSEWHERE, (hop,))
    if _denied_by_proxy_protocol(start, headers, trust):
        return Verdict(NONE, Evidence.NONE, Flag.HEADER_CONFLICT, (hop,))
    return _follow(hop, headers, trust)


def _without_start(headers: Headers, trust: TrustList) -> Verdict:
    """A line without our marker names one address. Is it a trusted proxy's, then what that one forwarded was not recorded."""
    logged = (headers.named.get(LOGGED) or [NONE])[0]
    hops = (WalkedHop(logged, LOGGED),) if logged != NONE else ()
    if logged == NONE or trust.find(*logged):
        return Verdict(NONE, Evidence.NONE, Flag.OBSCURED, hops)
    return Verdict(logged, Evidence.LOGGED, Flag(0), hops)


def _denied_by_proxy_protocol(start: Pair, headers: Headers, trust: TrustList) -> bool:
    """Whether the start, declared for another header only, contradicts the PROXY address of the line."""
    told = headers.named.get(PROXY)
    believed = [e.header for e in trust.find(*start)]
    if not told or not believed or PROXY in believed:
        return False
    return all(headers.named.get(name, [])[-1:] != told for name in believed)


def _follow(hop: WalkedHop, headers: Headers, trust: TrustList) -> Verdict:
    left = {name: list(addresses) for name, addresses in headers.named.items()}
    hops = [hop]
    while believed := [e.header for e in trust.find(*hops[0].address)]:
        header = next((name for name in (PROXY, *HEADERS) if name in believed and (left.get(name) or name in headers.partly)), None)
        if header is None or not left.get(header):
            return _used_up(hops, believed, headers)
        hops.insert(0, WalkedHop(left[header].pop(), header))
        if hops[0].address == NONE or header not in headers.ended:
            return Verdict(NONE, Evidence.NONE, Flag.OBSCURED, tuple(hops))
    flags = Flag.HEADER_CONFLICT if len(hops) > 1 and _contradicted(hops, headers, trust) else Flag(0)
    return Verdict(hops[0].address, _evidence(hops), flags, tuple(hops))


def _used_up(hops: list[WalkedHop], believed: list[str], headers: Headers) -> Verdict:
    if not (headers.ended - headers.partly).issuperset(believed):
        return Verdict(NONE, Evidence.NONE, Flag.OBSCURED, tuple(hops))
    return Verdict(hops[0].address, _evidence(hops), Flag.ALL_TRUSTED, tuple(hops))


def _evidence(hops: list[WalkedHop]) -> Evidence:
    if hops[-1].by == LOGGED:
        return Evidence.LOGGED
    return Evidence.OBSERVED if len(hops) == 1 else Evidence.FORWARDED


def _contradicted(hops: list[WalkedHop], headers: Headers, trust: TrustList) -> bool:
    """Whether a header that the walk did not use names somebody else as the client: the next one who is no trusted proxy."""
    walked = {hop.by for hop in hops}
    for name in HEADERS:
        addresses = headers.named.get(name, [])
        if name in walked or name == PROXY:
            continue
        candidates = [a for a in (reversed(addresses) if name in LISTS else addresses) if not trust.find(*a)]
        if candidates and candidates[0] not in (NONE, hops[0].address):
            return True
    return False
