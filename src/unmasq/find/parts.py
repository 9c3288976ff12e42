"""The paths of one answer, sorted by what the address was on them: client, claim or carrier of others."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from unmasq.find.answer import Carried, Claimed, Direct, Forwarded, Undeclared
from unmasq.find.proxies import MANY_CLAIMS, entry_of
from unmasq.keep.shapes import ChainGroup
from unmasq.unwind.trust import TrustList

Key = TypeVar("Key", bound=Hashable)
_SOURCES = ("source", "nat_source")


class Parts:
    """The groups of one answer. No request is in two of `clients`, `claims` and `carriers`."""

    def __init__(self, groups: Sequence[ChainGroup], trust: TrustList) -> None:
        self._trust = trust
        self.clients = [g for g in groups if g.role == "client"]
        self.claims = [g for g in groups if g.role == "claim" and not is_walked(g)]
        passed = [g for g in groups if g.role == "claim" and _is_in_the_middle(g)]
        self.carriers = passed + [g for g in groups if g.role in _SOURCES and g.client != g.address]
        self.ways = sorted(self.clients + self.claims + self.carriers, key=lambda g: -g.requests)

    def direct(self) -> list[Direct]:
        """By who saw it, and by what was logged instead."""
        observed = (g for g in self.clients if g.evidence == "observed")
        sums = _summed(observed, lambda g: (g.hops[-1].by, g.source if g.source != g.observed else None, g.node))
        return [Direct(requests, *key) for key, requests in sums]

    def forwarded(self) -> list[Forwarded]:
        """By the proxy that names the client, and the header in which it does."""
        forwarded = (g for g in self.clients if g.evidence == "forwarded")
        sums = _summed(forwarded, _forwarder)
        return [Forwarded(requests, ip, name_of(ip, self._trust, header), header) for (ip, header), requests in sums]

    def logged(self) -> int:
        """Requests whose log has no marker of ours: nothing of them can be checked."""
        return sum(g.requests for g in self.clients if g.evidence == "logged")

    def claimed(self) -> list[Claimed]:
        """By who wrote it: the last hop that could be walked to."""
        sums = _summed(self.claims, lambda g: (g.hops[0].ip if g.hops else None, tuple(g.headers)))
        return [Claimed(requests, ip, name_of(ip, self._trust), list(headers)) for (ip, headers), requests in sums]

    def carried(self) -> list[Carried]:
        """By how, and under which name."""
        clients: dict[Hashable, set[str]] = defaultdict(set)
        for group in self.carriers:
            clients[self._how(group)] |= {group.client} if group.client else set()
        sums = _summed(self.carriers, self._how)
        return [Carried(requests, how, len(clients[how, name, header]), name, header) for (how, name, header), requests in sums]

    def undeclared(self) -> list[Undeclared]:
        """Those of the addresses that nobody trusts and that name many others."""
        most: dict[str, int] = defaultdict(int)
        for group in self.clients + self.carriers:
            if group.address in (group.observed, group.client) and name_of(group.address, self._trust) is None:
                # One request has one client, however many addresses somebody writes into its headers.
                most[group.address] = max(most[group.address], min(group.claims, group.requests))
        return [Undeclared(ip, claims) for ip, claims in sorted(most.items(), key=lambda item: -item[1]) if claims > MANY_CLAIMS]

    def _how(self, group: ChainGroup) -> tuple[str, str | None, str | None]:
        if "snat_elsewhere" in group.flags or (group.observed != group.source and group.role == "source"):
            return "translation", None, None
        # A node that lies may list an address by which no walk came.
        at = next((place for place, hop in enumerate(group.hops) if hop.ip == group.address), 0)
        header = group.hops[at - 1].by if at else None
        return "proxy", name_of(group.address, self._trust, header), header


def name_of(ip: str | None, trust: TrustList, header: str | None = None) -> str | None:
    """What the trust list calls an address, as the proxy that is believed for the header; None for who is not on it."""
    entry = entry_of(ip, trust, header)
    return entry.name if entry else None


def _forwarder(group: ChainGroup) -> tuple[str, str]:
    """Who names the client, and in which header; the observed end where the list that judged it is lost.

    Nobody, where a node that lies says so of a flow without a source.
    """
    if not group.hops:
        return "", ""
    named, by = group.hops[0], group.hops[1] if len(group.hops) > 1 else group.hops[0]
    return by.ip or "", named.by


def is_walked(group: ChainGroup) -> bool:
    """Whether the walk came by the address, so that it is more than a claim."""
    return group.address in {hop.ip for hop in group.hops}


def _is_in_the_middle(group: ChainGroup) -> bool:
    """Whether the address is a proxy on the way; at either end of the walk it has a role of its own."""
    return group.address in {hop.ip for hop in group.hops[1:-1]}


def _summed(groups: Iterable[ChainGroup], key: Callable[[ChainGroup], Key]) -> list[tuple[Key, int]]:
    """Requests by key, most first."""
    sums: dict[Key, int] = defaultdict(int)
    for group in groups:
        sums[key(group)] += group.requests
    return sorted(sums.items(), key=lambda item: -item[1])
