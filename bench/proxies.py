"""What comes out of each proxy: the lab's real servers, as our templates set them up, are asked by clients that are known."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.logs import Logs
from tests.golden.capture import awaited
from tests.golden.hostile import HOSTILE
from tests.lab import http2, ways
from tests.lab import topology as at
from tests.lab.client import Response
from tests.lab.cluster import Lab
from tests.lab.formats import printed
from tests.lab.gateways import Balancer
from tests.lab.ingresses import PROXIES, Proxy
from tests.lab.lines import NewLines
from tests.lab.reading import read
from tests.lab.watched import EDGES, Watched
from tests.needs import missing
from unmasq.model.flow import Chain, Flow
from unmasq.model.ingress import Reject

HEADS = ("proxy", "join", "client direct", "client via proxy", "forged", "PROXY protocol", "HTTP/2", "hostile bytes", "ok")
MULTIPLEXED = 20
"""Requests on one connection of HTTP/2, each of another client."""


class Cell(NamedTuple):
    """What came out, and whether nobody was named wrongly and nothing lost."""

    text: str
    ok: bool = True


Asked = Mapping[str, Counter[str]]
"""Path -> the clients who asked for it."""
Named = Counter[tuple[str, str | None]]
"""Path and client -> how many requests."""


def rows(logs: Logs) -> Iterator[Sequence[str]]:
    """One row for each proxy, all in one lab. RuntimeError: there can be no lab here."""
    if lacks := missing("lab"):
        raise RuntimeError(f"the lab needs {', '.join(lacks)}")
    with Lab(switches=True, extra_formats=printed()) as lab:
        for proxy in PROXIES:
            if lacks := missing(proxy.needs):
                yield proxy.name, f"not here: {', '.join(lacks)}", *[""] * (len(HEADS) - 2)
                continue
            cells = _measured(lab, proxy, logs.folder / proxy.name)
            yield proxy.name, *(cell.text for cell in cells), "yes" if all(cell.ok for cell in cells) else "NO"


def _measured(lab: Lab, proxy: Proxy, store: Path) -> list[Cell]:
    """All cells of a row. The hostile bytes come last, when nobody waits for so and so many lines."""
    listeners = [f"{host}:{port}" for host in (at.INGRESS, f"[{at.INGRESS_V6}]") for port in {*proxy.ports, proxy.http2}]
    with proxy.started(lab) as log, Balancer(lab.network, *proxy.ports):
        with Watched(lab, store, EDGES, log=log, listeners=listeners) as watched:
            asked = _all_asked(lab, proxy)
            flows = watched.settled(sum(of.total() for column in asked for of in column.values()))
        direct, via, forged, behind, multiplexed = (_clients(column, flows) for column in asked)
        joins = {flow.unmasq.join for flow in flows if not _chains(asked[3], [flow])}
        join = Cell(", ".join(sorted(joins)), "unwitnessed" not in joins)
        return [join, direct, via, forged, behind, multiplexed, _hostile(lab, proxy, log)]


def _all_asked(lab: Lab, proxy: Proxy) -> list[Asked]:
    """Each column's requests, sent one after the other, each to a path of its own."""
    asked = [_asked(lab, proxy.port, of) for of in (ways.DIRECT, ways.PROXIED, ways.FORGING)]
    behind = _asked(lab, proxy.behind_l4, (*ways.BEHIND_L4, ways.STRANGER)) if proxy.behind_l4 else {}
    return [*asked, behind, _multiplexed(lab, proxy.http2)]


def _asked(lab: Lab, port: int, of: Sequence[ways.Way]) -> Asked:
    asked: dict[str, Counter[str]] = {}
    for number, way in enumerate(of):
        more = f"{port}-{of[0].name.replace(' ', '-')}-{number}"
        way.ask(lab, port, more)
        asked[way.path + more] = Counter([way.client])
    return asked


def _multiplexed(lab: Lab, port: int) -> Asked:
    """At once on a connection of each family, as a proxy in front sends them, each with a hop that its client invented."""
    asked: dict[str, Counter[str]] = {}
    for to, pool in ((at.INGRESS, "198.18.0."), (at.INGRESS_V6, "2001:db8:c1::")):
        clients = [f"{pool}{number}" for number in range(1, MULTIPLEXED + 1)]
        path = f"/http2-{len(asked)}"
        with lab.connect("edge", to, port) as connection:
            http2.request_all(connection, [[("x-forwarded-for", f"6.6.6.6, {client}")] for client in clients], path)
        asked[path] = Counter(clients)
    return asked


def _chains(asked: Asked, flows: Sequence[Flow]) -> list[Chain]:
    return [chain for flow in flows for chain in flow.unmasq.chains if asked.keys() & set(chain.paths)]


def _clients(asked: Asked, flows: Sequence[Flow]) -> Cell:
    """How many clients are those who asked, how many are null and why, and how many are somebody else."""
    if not asked:
        return Cell("-")
    chains = _chains(asked, flows)
    wanted: Named = Counter({(path, client): count for path, clients in asked.items() for client, count in clients.items()})
    named: Named = Counter()
    for chain in chains:
        named[chain.paths[0], chain.client] += chain.requests
    right, null = (wanted & named).total(), sum(chain.requests for chain in chains if chain.client is None)
    wrong, lost = named.total() - right - null, wanted.total() - named.total()
    why = ", ".join(sorted({flag for chain in chains if chain.client is None for flag in chain.flags}))
    told = {f"null {null}, {why}": null, f"WRONG {wrong}": wrong, f"lost {lost}": lost}
    parts = [f"right {right}/{wanted.total()}", *(text for text, count in told.items() if count)]
    is_claim = any(flow.unmasq.join == "unwitnessed" and _chains(asked, [flow]) for flow in flows)
    return Cell("; ".join(["claim only"] * is_claim + parts), not wrong and not lost)


def _hostile(lab: Lab, proxy: Proxy, log: Path) -> Cell:
    """Each kind of bytes by both families: whether each answered request has its line, and no line names another source."""
    new, lines, counts = NewLines(log), 0, Counter[str]()
    values = [(to, value) for to in (at.INGRESS, at.INGRESS_V6) for value in HOSTILE.values()]
    for to, value in values:
        with lab.connect("c1", to, proxy.port) as connection:
            answer = connection.request("/local", [(b"X-Forwarded-For", value), (b"User-Agent", value)])
        line = awaited(new, lines)
        lines += line is not None
        counts[_fate(proxy, answer, line)] += 1
    counts["injected"] += len(new.now()) - lines
    refused = f"; refused {counts['refused']}" if counts["refused"] else ""
    text = f"lost {counts['lost']}, injected {counts['injected']} of {len(values)}{refused}"
    return Cell(text, not counts["lost"] and not counts["injected"])


def _fate(proxy: Proxy, answer: Response, line: bytes | None) -> str:
    """What became of a hostile request. One that the proxy refuses need not have a line."""
    found = read([line] if line else [], proxy.lines, [])
    if any(one.source not in ("", answer.local_address) or one.reject == Reject.INJECTED for one in found):
        return "injected"
    if answer.status >= 400:
        return "refused"
    own = [one for one in found if one.reject == Reject.NONE and one.source_port == answer.local_port]
    return "kept" if own else "lost"
