"""The evidence of one address in sentences: by whom, which way, who else, and where to stop it. Not yet escaped."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from unmasq.find.answer import Carried, Claimed, Direct, Forwarded, Path, Trace, Undeclared
from unmasq.find.proxies import lonely
from unmasq.show import words
from unmasq.show.ways import Hop, Way, hop_text

LISTED_PARTS = 5
LISTED_PATHS = 10
LISTED_ASKED = 4


class _Counted(Protocol):
    @property
    def requests(self) -> int: ...


Kind = TypeVar("Kind", bound=_Counted)


class Part(NamedTuple):
    """So many requests of one kind of evidence, and who vouches for it."""

    kind: str
    requests: int
    detail: str


class Listed(NamedTuple):
    """One path: its line of text, and what was asked for on it."""

    picture: str
    requests: int
    statuses: str
    asked: str


def parts(trace: Trace) -> list[Part]:
    """The requests by evidence, the surest first."""
    found = [*_few("direct", _by_end(trace.direct), _direct), *_few("forwarded", trace.forwarded, _forwarded)]
    if trace.logged:
        found.append(Part("logged", trace.logged, "in a log without our marker: nothing of it can be checked"))
    found += [*_few("carried", trace.carried, _carried), *_few("only claimed", trace.claimed, _claimed)]
    if trace.unlisted:
        found.append(Part("more", trace.unlisted, "on paths too many to look at each: narrow the window to see them"))
    return found


def _few(kind: str, all_of_it: Sequence[Kind], told: Callable[[Kind], str]) -> Iterator[Part]:
    for each in all_of_it[:LISTED_PARTS]:
        yield Part(kind, each.requests, told(each))
    if rest := all_of_it[LISTED_PARTS:]:
        yield Part(kind, sum(each.requests for each in rest), f"in {words.count(len(rest))} more ways (the JSON lists them)")


class _End(NamedTuple):
    """Direct requests that were seen in one way, on whatever nodes."""

    requests: int
    seen_by: str
    source: str | None
    nodes: list[str]


def _by_end(parts: Sequence[Direct]) -> list[_End]:
    """One for all nodes, most requests first."""
    found: dict[tuple[str, str | None], list[Direct]] = {}
    for part in parts:
        found.setdefault((part.seen_by, part.source), []).append(part)
    ends = [_End(sum(each.requests for each in same), *key, [each.node for each in same]) for key, same in found.items()]
    return sorted(ends, key=lambda end: -end.requests)


def _direct(end: _End) -> str:
    seen = "seen by the kernel" if end.seen_by == "kernel" else "seen by the proxy's socket"
    if end.source:
        return f"{seen} (the proxy logged {end.source}, a translation on {_nodes(end.nodes)})"
    return f"{seen} on {_nodes(end.nodes)}" if len(end.nodes) > 1 else seen


def _nodes(names: Sequence[str]) -> str:
    if len(names) > LISTED_PARTS:
        return words.counted(len(names), "node")
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _forwarded(part: Forwarded) -> str:
    return f"by {words.called(part.proxy, part.name)}, trusted for {part.header}"


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
        return f"came by {words.called(part.writer, part.name)}, which does not vouch for it{where}"
    return f"written by {part.writer}, which is no proxy of yours{where}"


def ways(trace: Trace) -> list[Listed]:
    """The paths with most requests."""
    return [
        Listed(hop_text(way(path)), path.requests, words.statuses(path.statuses), " ".join([*_flags(path), *_asked(path)]))
        for path in trace.paths[:LISTED_PATHS]
    ]


def _asked(path: Path) -> list[str]:
    """What was asked for most, and whether there was more."""
    return [*map(words.written, path.paths[:LISTED_ASKED]), *(["..."] if len(path.paths) > LISTED_ASKED else [])]


def _flags(path: Path) -> list[str]:
    return [f"[{', '.join(path.flags)}]"] if path.flags else []


def more_ways(trace: Trace) -> str:
    """How many paths are not listed; the empty text for none."""
    left = len(trace.paths) - LISTED_PATHS
    if left <= 0:
        return ""
    return f"{words.counted(left, 'more path')}{'' if trace.complete else ', and more'} (the JSON lists them)"


def way(path: Path) -> Way:
    """The path as pictures and lines of text show it; where a click leads is for the page to say."""
    claimed = Hop(path.claimed, "claimed") if path.claimed else None
    hops = [Hop(hop.ip, hop.by, hop.name) for hop in path.hops]
    return Way(hops, words.endpoint(path.dest, path.dest_port), path.requests, claimed, path.translated)


def near(trace: Trace) -> str:
    """Who else comes from around there; the empty text for a range."""
    if trace.near is None:
        return ""
    near = trace.near
    around = f"same /{near.range.rpartition('/')[2]}: {others(near.clients, at_least=near.at_least)}"
    if near.same_agent is None:
        return around
    return f"{around}; same user agent: {others(near.same_agent, at_least=near.same_agent_at_least)}"


def others(count: int, *, at_least: bool) -> str:
    """How many other clients."""
    return f"{'at least ' if at_least else ''}{words.counted(count, 'other client')}" if count else "no other client"


def clients(trace: Trace) -> str:
    """The clients of a range, most requests first; the empty text for an address."""
    if not trace.clients:
        return ""
    most = ", ".join(f"{client.ip} ({words.counted(client.requests, 'request')})" for client in trace.clients[:LISTED_PARTS])
    return f"{words.count(len(trace.clients))}, most of them {most}" if len(trace.clients) > LISTED_PARTS else most


def look(trace: Trace) -> list[str]:
    """What points at proxies beside the address that are not declared, or not as they should be."""
    return [*map(_undeclared, trace.beside.undeclared[:LISTED_PARTS]), *map(lonely, trace.beside.lonely)]


def stop(trace: Trace) -> list[str]:
    """Where it can be stopped, or why it must not be."""
    own = own_name(trace)
    if own and trace.near is None:
        return [f"do not block all of it: {own}, a proxy of yours, is in it, and everybody behind that would be hit"]
    if own:
        return [f"do not block it: it is {own}, a proxy of yours, and everybody behind it would be hit"]
    if any(part.how == "translation" for part in trace.carried):
        return ["do not block it: a node translates others to this address; block the client"]
    if trace.undeclared:
        return [*map(_undeclared, trace.undeclared[:LISTED_PARTS]), *(f"if it is not yours, {way}" for way in _where(trace))]
    return list(_where(trace))


def _undeclared(each: Undeclared) -> str:
    return (
        f"{each.ip} looks like a proxy that you have not declared ({words.counted(each.claims, 'claim')}); do not block it"
        f" before you know; if it is yours: unmasq config trust add NAME {each.ip}"
    )


def _where(trace: Trace) -> Iterator[str]:
    own_paths = [path for path in trace.paths if path.role == "client"]
    if own_paths and all("all_trusted" in path.flags for path in own_paths):
        yield "do not block it: these requests are of a proxy of yours itself, health checks mostly"
        return
    if trace.direct:
        yield "direct: network policy or the node"
    if trace.forwarded:
        first = ", ".join(dict.fromkeys(words.called(part.proxy, part.name) for part in trace.forwarded[:LISTED_PARTS]))
        yield f"forwarded: at or before {first}, or in the proxy; network policy would stop everybody behind it"
    if trace.logged:
        yield "logged: as direct, if your proxy logs the address that connected to it; nobody can check that here"
    if trace.claimed and not (trace.direct or trace.forwarded or trace.logged):
        yield "nowhere: a claim may be a lie, and blocking it punishes the innocent; look at who wrote it"


def own_name(trace: Trace) -> str | None:
    """What the trust list calls the address itself, or a proxy in the range."""
    return trace.name or next((part.name for part in trace.carried if part.name), None)
