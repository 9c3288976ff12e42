"""Which clients look like proxies that nobody declared, and which trusted proxies speak for one client only. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from unmasq.find.answer import Lonely, Pointers, Undeclared
from unmasq.find.check import Check, State
from unmasq.keep.shapes import Proxies, Relay
from unmasq.model.address import parse
from unmasq.show import words
from unmasq.unwind.trust import TrustEntry, TrustList

MANY_CLAIMS = 20
"""Who names more addresses than this and is not trusted is called what it looks like: a proxy nobody declared."""

NEARLY_ALL = 0.9
ENOUGH = 100
"""Requests of a proxy from which on a share says something: somebody who tries his new proxy is alone behind it."""

_MOST_NAMED = 3


def pointers(found: Proxies, trust: TrustList) -> Pointers:
    """What the newest requests tell, by the present trust list."""
    undeclared = [Undeclared(each.ip, min(each.claims, each.requests)) for each in found.bearers if entry_of(each.ip, trust) is None]
    many = sorted((each for each in undeclared if each.claims > MANY_CLAIMS), key=lambda each: -each.claims)
    return Pointers(many, list(_lonely(found, trust)))


def entry_of(ip: str | None, trust: TrustList, header: str | None = None) -> TrustEntry | None:
    """By what an address is trusted: if for several headers, by the given one, else by the last that somebody declared."""
    pair = parse(ip) if ip else None
    entries = trust.find(*pair) if pair else []
    return next((entry for entry in entries if entry.header == header), entries[-1] if entries else None)


def _lonely(found: Proxies, trust: TrustList) -> Iterator[Lonely]:
    """By name: the machines of one proxy are many addresses."""
    named: defaultdict[tuple[str, str], list[Relay]] = defaultdict(list)
    for relay in found.relays:
        if entry := entry_of(relay.ip, trust):
            named[entry.name, entry.header].append(relay)
    for (name, header), relays in named.items():
        total = sum(relay.requests for relay in relays)
        by_client: Counter[str] = Counter()
        for relay in relays:
            by_client[relay.client] += relay.client_requests
        [(client, requests)] = by_client.most_common(1)
        if total >= ENOUGH and requests > NEARLY_ALL * total:
            yield Lonely(name, header, total, client, requests)


def checks(found: Pointers) -> list[Check]:
    """What `unmasq doctor` says of them; nothing where nothing points at a proxy."""
    seen = [Check("trust", State.WARN, lonely(each), f"unmasq trace {each.client} shows who that is") for each in found.lonely]
    if found.undeclared:
        named = ", ".join(f"{each.ip} ({words.counted(each.claims, 'claim')})" for each in found.undeclared[:_MOST_NAMED])
        rest = len(found.undeclared) - _MOST_NAMED
        more = f" and {words.count(rest)} more" if rest > 0 else ""
        look = "look like proxies" if len(found.undeclared) > 1 else "looks like a proxy"
        next_step = f"do not block what is yours; declare it: unmasq config trust add NAME {found.undeclared[0].ip}"
        seen.append(Check("trust", State.WARN, f"{named}{more} {look} that you have not declared", next_step))
    return seen


def lonely(each: Lonely) -> str:
    """The sentence for a proxy that speaks for one client."""
    share = words.percent(each.client_requests, each.requests)
    behind = f"{each.client} has {share} of the {words.counted(each.requests, 'request')} that {each.name} forwarded"
    return f"{behind}: it is probably a proxy itself, to be declared too, or {each.name} names clients in another header than {each.header}"
