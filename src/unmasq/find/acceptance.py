"""The old how-to's last step: did the headers of a test request arrive in a flow, on that very connection?

Pure: what was sent, the flows and the first broken link (`unmasq.find.broken`) in; a result out.
"""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from unmasq.model.flow import Chain, Flow


class Result(StrEnum):
    """What became of a test request."""

    AS_SENT = "as sent"
    REWRITTEN = "rewritten by a proxy on the way"
    BROKEN = "broken"


class Sent(Struct, frozen=True):
    """A test request: its headers, the nonce in its User-Agent, and our end of its connection."""

    forwarded_for: str
    real_ip: str | None
    nonce: str
    ip: str
    port: int

    @property
    def original(self) -> str:
        """What the old field must show: X-Real-IP where it was sent, else X-Forwarded-For."""
        return self.real_ip or self.forwarded_for


class Outcome(Struct, frozen=True):
    """The result of one test request; for a broken one the link, why, and what to do."""

    result: str
    link: str | None
    why: str
    next: str
    original_source_ips: list[str]
    arrived: dict[str, list[str]]
    client: str | None
    evidence: str | None
    connection: str | None
    join: str | None


Match = tuple[Flow, Chain]
"""The flow of a request, and the request in it."""

Link = tuple[str, str, str]
"""A broken link: its name, why, and what to do."""

_UNKNOWN: Link = ("flow", "lines came, but none of them is our request", "is another proxy answering at this address?")


def found(flows: Iterable[Flow], sent: Sent) -> Match | None:
    """The flow and chain of the request: by its nonce, else by our end of the connection with the header that we sent."""
    flows = list(flows)
    for flow, chain in _chains(flows):
        if any(sent.nonce in agent for agent in chain.user_agents):
            return flow, chain
    for flow, chain in _chains(flows):
        ours = (sent.ip, sent.port) in _ends(flow) and not chain.user_agents
        if ours and sent.forwarded_for in chain.headers.get("x-forwarded-for", []) and _real_ip_fits(chain, sent):
            return flow, chain
    return None


def _chains(flows: Iterable[Flow]) -> Iterable[tuple[Flow, Chain]]:
    return ((flow, chain) for flow in flows for chain in flow.unmasq.chains)


def _ends(flow: Flow) -> set[tuple[str | None, int | None]]:
    """Who opened the connection, as the proxy saw it and as the kernel did."""
    ends: set[tuple[str | None, int | None]] = {(flow.source_ip, flow.source_port)}
    if flow.unmasq.connection:
        original = flow.unmasq.connection.original
        ends.add((original.source_ip, original.source_port))
    return ends


def _real_ip_fits(chain: Chain, sent: Sent) -> bool:
    real = chain.headers.get("x-real-ip", [])
    return bool(real) == bool(sent.real_ip)


def outcome(sent: Sent, match: Match | None, broken: Link | None) -> Outcome:
    """What became of a request, given the first broken link on its way, if there is one."""
    if match is None or broken is not None:
        link, why, next_step = broken or _UNKNOWN
        return _told(Result.BROKEN, match, link, why, next_step)
    flow, chain = match
    told = chain.headers.get("x-forwarded-for", []), chain.headers.get("x-real-ip", [])
    if told == ([sent.forwarded_for], [sent.real_ip] if sent.real_ip else []):
        return _told(Result.AS_SENT, match, None, "the headers arrived as they were sent", "")
    return _told(Result.REWRITTEN, match, None, *_rewritten(flow, chain, sent))


def _rewritten(flow: Flow, chain: Chain, sent: Sent) -> tuple[str, str]:
    """Why other headers arrived than were sent, and what to do. Whoever sent the test is never to be trusted for it."""
    if not any(chain.headers.get(name) for name in ("x-forwarded-for", "x-real-ip")):
        # Nobody in between is known to have written anything: the peer may be who sent the test, whatever address it has there.
        return "this proxy, or one before it, drops these headers from peers that it does not trust", ""
    proxy = flow.unmasq.nat_source_ip or flow.source_ip
    if proxy == sent.ip:
        return "the proxy drops or replaces these headers where it does not trust who sends them, as a good one does", ""
    next_step = "" if chain.evidence == "forwarded" else f"declare it, so that the client is known: unmasq config trust add NAME {proxy}"
    return "a proxy on the way appends to or overwrites these headers, as a good one does", next_step


def _told(result: Result, match: Match | None, link: str | None, why: str, next_step: str) -> Outcome:
    if match is None:
        return Outcome(result, link, why, next_step, [], {}, None, None, None, None)
    flow, chain = match
    kernel = flow.unmasq.connection
    teller = "socket" if "application_bytes" in flow.unmasq.flags else "conntrack"
    connection = f"{teller} {kernel.id}, {flow.source_ip}:{flow.source_port}" if kernel else None
    return Outcome(
        result=result,
        link=link,
        why=why,
        next=next_step,
        original_source_ips=flow.original_source_ips or [],
        arrived=chain.headers,
        client=chain.client,
        evidence=chain.evidence,
        connection=connection,
        join=flow.unmasq.join,
    )
