"""One address in sentences: what `unmasq trace` tells a person, in the order of importance. Plain text, not yet escaped."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import NamedTuple, TypeVar

from unmasq.base.moments import parse
from unmasq.find.answer import Carried, Claimed, Direct, Forwarded, Seen, Trace, Undeclared
from unmasq.find.answer import Path as Walked
from unmasq.show import words

Kind = TypeVar("Kind", Direct, Forwarded, Carried, Claimed)

LISTED_PARTS = 5
LISTED_PATHS = 10


class Part(NamedTuple):
    """So many requests of one kind of evidence, and who vouches for it."""

    kind: str
    requests: int
    detail: str


class Way(NamedTuple):
    """One path: its picture, and what was asked for on it."""

    picture: str
    requests: int
    statuses: str
    asked: str


def teller_of(now_us: int, store: Path, *, utc: bool) -> "Teller":
    """Tells times in UTC or in the machine's own zone."""
    return Teller(now_us, UTC if utc else None, str(store))


@dataclass(frozen=True)
class Teller:
    """Who is told: the present, their time zone (None: the machine's own), and the store they asked."""

    now_us: int
    zone: tzinfo | None
    store: str

    def headline(self, trace: Trace) -> str:
        """What the address is, in one sentence."""
        role = _leading(trace)
        if role is None:
            return self._not_found(trace)
        return f"{_what(trace, role)}, {self._span(role)}{self._first_seen(trace)}"

    def _span(self, seen: Seen) -> str:
        if seen.last is None:
            return "at an unknown time"
        last_us = parse(seen.last, self.now_us)
        if seen.first is None:
            return f"read {words.time(last_us, self.zone)} from a log without times"
        return words.span(parse(seen.first, self.now_us), last_us, self.zone)

    def _first_seen(self, trace: Trace) -> str:
        return f", first seen {words.ago(parse(trace.first_seen, self.now_us), self.now_us)}" if trace.first_seen else ""

    def _not_found(self, trace: Trace) -> str:
        data = trace.data
        if data.oldest_us is None or data.newest_us is None:
            return "not seen: the store holds no flows yet"
        kept = f"{words.counted(data.flows, 'flow')} from {words.span(data.oldest_us, data.newest_us, self.zone)}"
        if trace.last_seen is None:
            return f"not seen in any header, as a source or as a client, in all that is kept: {kept}"
        seen = words.ago(parse(trace.last_seen, self.now_us), self.now_us)
        return f"not seen in this window, but outside of it: last seen {seen}; {kept} are kept"

    def data(self, trace: Trace) -> str:
        """Whether the answer can be trusted."""
        data = trace.data
        rejected = sum(data.rejects.values())
        reasons = ", ".join(f"{words.count(count)} {reason}" for reason, count in data.rejects.items())
        newest = f"newest {words.ago(data.newest_us, self.now_us)}" if data.newest_us is not None else "nothing yet"
        parts = [words.counted(data.nodes, "node"), newest, f"joined {words.percent(data.joined, data.requests)}"]
        parts.append(f"rejected {words.count(rejected)}" + (f" ({reasons})" if rejected else ""))
        parts.append(f"judged with trust list {data.trust_version}")
        older = (
            f"; {words.counted(data.judged_by_older, 'flow')} by an older one: {self.command('rejudge')}" if data.judged_by_older else ""
        )
        return ", ".join(parts) + older

    def next(self, trace: Trace) -> str:
        """The command that goes on from here."""
        if not trace.found:
            return self._nearest(trace)
        role = _leading(trace)
        flag = "--client" if role is not None and role.role == "client" else "--any"
        return self.command("flows", flag, trace.address)

    def _nearest(self, trace: Trace) -> str:
        """Where something is known: outside of the window, else around the address, else anywhere."""
        if trace.last_seen is not None:
            return self.command("trace", trace.address)
        return self.command("trace", trace.near.range) if trace.near and trace.near.clients else self.command("flows")

    def command(self, *parts: str) -> str:
        """A command line that asks the same store."""
        return shlex.join(["unmasq", *parts, "--store", self.store])


def _leading(trace: Trace) -> Seen | None:
    """The role that says most of the address: client, unless it mostly carries others."""
    roles = {seen.role: seen for seen in trace.roles}
    order = ["client", "nat_source", "source", "claim"]
    if "client" in roles and sum(part.requests for part in trace.carried) > roles["client"].requests:
        order.append(order.pop(0))
    return next((roles[name] for name in order if name in roles), None)


def _what(trace: Trace, seen: Seen) -> str:
    figures = f"{words.counted(seen.requests, 'request')} on {words.counted(seen.connections, 'connection')}"
    own = _own_name(trace)
    if seen.role == "client":
        return f"client of {figures}"
    if seen.role == "claim" and not trace.carried:
        return f"only claimed, in {figures}"
    kind = f"your proxy {own}, source" if own else "source"
    return f"{kind} of {figures}, mostly for others" if seen.role != "claim" else f"proxy on the way of {figures}"


def _own_name(trace: Trace) -> str | None:
    """What the trust list calls the address itself."""
    return next((part.name for part in trace.carried if part.name), None)


def parts(trace: Trace) -> list[Part]:
    """The requests by evidence, the surest first."""
    found = [*_few("direct", trace.direct, _direct), *_few("forwarded", trace.forwarded, _forwarded)]
    if trace.logged:
        found.append(Part("logged", trace.logged, "in a log without our marker: nothing of it can be checked"))
    return [*found, *_few("carried", trace.carried, _carried), *_few("only claimed", trace.claimed, _claimed)]


def _few(kind: str, all_of_it: Sequence[Kind], told: Callable[[Kind], str]) -> Iterator[Part]:
    for each in all_of_it[:LISTED_PARTS]:
        yield Part(kind, each.requests, told(each))
    if rest := all_of_it[LISTED_PARTS:]:
        yield Part(kind, sum(each.requests for each in rest), f"in {words.count(len(rest))} more ways (-o json lists them)")


def _direct(part: Direct) -> str:
    seen = "seen by the kernel" if part.seen_by == "kernel" else "seen by the proxy's socket"
    return f"{seen} (the proxy logged {part.source}, a translation on {part.node})" if part.source else seen


def _forwarded(part: Forwarded) -> str:
    return f"by {_called(part.proxy, part.name)}, trusted for {part.header}"


def _carried(part: Carried) -> str:
    whose = f"for {words.counted(part.clients, 'client')}" if part.clients else "for nobody who can be known"
    if part.how == "translation":
        return f"{whose}: a node translated them to this address"
    if part.name:
        return f"{whose}, as {part.name}" + (f", trusted for {part.header}" if part.header else "")
    return whose


def _claimed(part: Claimed) -> str:
    where = f", in {' and '.join(part.headers)}" if part.headers else ""
    if part.writer is None:
        return f"written by somebody who cannot be known{where}"
    if part.name:
        return f"came by {_called(part.writer, part.name)}, which does not vouch for it{where}"
    return f"written by {part.writer}, which is no proxy of yours{where}"


def _called(ip: str, name: str | None) -> str:
    """The name in front of the address; a proxy that was declared without a name goes by its address."""
    return f"{name} {ip}" if name and name != ip else ip


def ways(trace: Trace) -> list[Way]:
    """The paths with most requests: `==>` was seen, `-->` a trusted proxy says so, `..>` somebody claims."""
    return [
        Way(_picture(path), path.requests, words.statuses(path.statuses), " ".join([*_flags(path), *map(words.written, path.paths)]))
        for path in trace.paths[:LISTED_PATHS]
    ]


def _flags(path: Walked) -> list[str]:
    return [f"[{', '.join(path.flags)}]"] if path.flags else []


def more_ways(trace: Trace) -> str:
    """How many paths are not listed; the empty text for none."""
    left = len(trace.paths) - LISTED_PATHS
    if left <= 0:
        return ""
    return f"{words.counted(left, 'more path')}{'' if trace.complete else ', or even more'} (-o json lists them)"


def _picture(path: Walked) -> str:
    hops = [_called(hop.ip or "?", hop.name) for hop in path.hops]
    claimed = f"{path.claimed} ..> " if path.claimed else ""
    return f"{claimed}{' --> '.join(hops) or '?'} ==> {words.endpoint(path.dest, path.dest_port)}"


def near(trace: Trace) -> str:
    """Who else comes from around there; the empty text for a range."""
    if trace.near is None:
        return ""
    more = "at least " if trace.near.at_least else ""
    others = f"{more}{words.counted(trace.near.clients, 'other client')}" if trace.near.clients else "no other client"
    return f"same /{trace.near.range.rpartition('/')[2]}: {others}"


def clients(trace: Trace) -> str:
    """The clients of a range, most requests first; the empty text for an address."""
    if not trace.clients:
        return ""
    most = ", ".join(f"{client.ip} ({words.counted(client.requests, 'request')})" for client in trace.clients[:LISTED_PARTS])
    return f"{words.count(len(trace.clients))}, most of them {most}" if len(trace.clients) > LISTED_PARTS else most


def stop(trace: Trace) -> list[str]:
    """Where it can be stopped, or why it must not be."""
    own = _own_name(trace)
    if own:
        return [f"do not block it: it is {own}, a proxy of yours, and everybody behind it would be hit"]
    if any(part.how == "translation" for part in trace.carried):
        return ["do not block it: a node translates others to this address; block the client"]
    if trace.undeclared:
        return list(map(_undeclared, trace.undeclared[:LISTED_PARTS]))
    return list(_where(trace))


def _undeclared(each: Undeclared) -> str:
    return (
        f"{each.ip} looks like a proxy that you have not declared ({words.counted(each.claims, 'claim')}); do not block it;"
        f" if it is yours: unmasq config trust add NAME {each.ip}"
    )


def _where(trace: Trace) -> Iterator[str]:
    if any("all_trusted" in path.flags for path in trace.paths if path.role == "client"):
        yield "do not block it: these requests are of a proxy of yours itself, health checks mostly"
        return
    if trace.direct:
        yield "direct: network policy or the node"
    if trace.forwarded:
        first = ", ".join(dict.fromkeys(_called(part.proxy, part.name) for part in trace.forwarded[:LISTED_PARTS]))
        yield f"forwarded: at or before {first}, or in the proxy; network policy would stop everybody behind it"
    if trace.claimed and not (trace.direct or trace.forwarded or trace.logged):
        yield "nowhere: a claim may be a lie, and blocking it punishes the innocent; look at who wrote it"


def rest(trace: Trace, teller: Teller) -> Iterator[tuple[str, list[str]]]:
    """What stands below the paths: a label and its sentences, none of them empty."""
    told = {
        "clients": [clients(trace)],
        "near": [near(trace)],
        "stop it": stop(trace),
        "data": [teller.data(trace)],
        "next": [teller.next(trace)],
    }
    for label, sentences in told.items():
        if any(sentences):
            yield label, sentences
