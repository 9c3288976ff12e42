"""Each header trick through each proxy, straight, behind a trusted one and behind a translation: named is who it was, or nobody.

Docs: docs/threat-model.md.
"""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from unmasq.model.flow import Chain, Flow

from . import gateways
from . import topology as at
from .cluster import Lab
from .ingresses import PROXIES, Proxy
from .tricks import PROXY_HEADERS, TRICKS
from .watched import EDGES, NODES, Watched

pytestmark = pytest.mark.needs("lab")
LACKING = ("caddy", "traefik")
"""Their lines do not say where a connection arrived."""
SILENT = ("apache with mod_remoteip",)
"""Their lines do not tell the PROXY header, so that what is trusted for it must not be trusted for another (test_gateways.py)."""
OBSERVED = ("straight", "straight, v6")
"""Who comes so is known whatever is written."""
TRANSLATED_BY = 20_000
"""What the port on the node has more than the proxy's."""
TRANSLATION = """\
table inet tricks {{
    chain before {{ type nat hook prerouting priority dstnat; policy accept; ip daddr {node} tcp dport {outside} dnat ip to {inside}; }}
    chain after {{ type nat hook postrouting priority srcnat; policy accept; ct status dnat masquerade; }}
}}
"""


class Way(NamedTuple):
    """How a request comes, who it is from, and what is sent before and behind the trick."""

    name: str
    host: str
    to: str
    port: int
    client: str
    more: bytes = b""
    before: bytes = b""


class Sent(NamedTuple):
    """A request that was sent: its path, whose it was, and whether the proxy served it."""

    path: str
    way: str
    name: str
    client: str
    is_served: bool


@pytest.fixture(scope="module", params=[pytest.param(each, id=each.name, marks=pytest.mark.needs(each.needs)) for each in PROXIES])
def proxy(request: pytest.FixtureRequest) -> Proxy:
    found: Proxy = request.param
    return found


@pytest.fixture(scope="module")
def log(lab: Lab, proxy: Proxy) -> Iterator[Path]:
    """The log of the started proxy, which has balancers before it and a port on the node that masquerades."""
    rules = TRANSLATION.format(node=at.NODE, outside=proxy.port + TRANSLATED_BY, inside=f"{at.INGRESS}:{proxy.port}")
    with ExitStack() as stack:
        path = stack.enter_context(proxy.started(lab))
        stack.enter_context(gateways.Balancer(lab.network, *proxy.ports))
        lab.network.run("node", ["nft", "-f", "-"], given=rules)
        stack.callback(lab.network.run, "node", ["nft", "delete", "table", "inet", "tricks"])
        yield path


def ways(proxy: Proxy) -> Iterator[Way]:
    yield Way("straight", "c1", at.INGRESS, proxy.port, at.C1)
    yield Way("straight, v6", "c1", at.INGRESS_V6, proxy.port, at.C1_V6)
    yield Way("behind the edge", "c1", at.EDGE, proxy.port + 100, at.C1)
    # A trusted proxy that appends a line of its own, and lets through whatever came: HAProxy takes out the worst.
    yield Way("behind a careless edge", "edge", at.INGRESS, proxy.port, at.C2, b"X-Forwarded-For: %b\r\n" % at.C2.encode())
    yield Way("translated", "c1", at.NODE, proxy.port + TRANSLATED_BY, at.C1)
    if proxy.behind_l4 and proxy.name not in SILENT:
        yield Way("by PROXY protocol", "c1", at.EDGE, proxy.behind_l4 + 200, at.C1)


def strangers(proxy: Proxy) -> Iterator[Way]:
    """Who sends a PROXY header himself: to the port that takes them, and to the one that does not."""
    for name, before in PROXY_HEADERS.items():
        for port in proxy.ports:
            yield Way(f"{name} to {port}", "c1", at.INGRESS, port, at.C1, before=before)


def send(lab: Lab, way: Way, name: str, number: int, lines: bytes) -> Sent:
    """One request on a connection of its own. Whoever takes it for nonsense may answer so, or hang up."""
    path, status = f"/local/{number}", 0
    head = b"GET %b HTTP/1.1\r\nHost: shop.example\r\n%b%bUser-Agent: a\r\nConnection: close\r\n\r\n"
    head = head.replace(b"User-Agent: a\r\n", b"") if b"User-Agent" in lines else head
    with lab.connect(way.host, way.to, way.port) as connection, suppress(OSError, ValueError, IndexError):
        connection.send(way.before + head % (path.encode(), lines, way.more))
        status = connection.answer().status
    return Sent(path, way.name, f"{way.name}: {name}", way.client, status == 200)


def send_all(lab: Lab, proxy: Proxy) -> list[Sent]:
    requests = [(way, name, lines) for way in ways(proxy) for name, lines in TRICKS.items()]
    requests += [(way, "nothing more", b"") for way in strangers(proxy)]
    return [send(lab, way, name, number, lines) for number, (way, name, lines) in enumerate(requests)]


def watch(lab: Lab, proxy: Proxy, log: Path, folder: Path) -> tuple[list[Sent], list[Flow]]:
    """Send it all, and what is said of it."""
    listeners = [each for port in proxy.ports for each in (f"{at.INGRESS}:{port}", f"[{at.INGRESS_V6}]:{port}")]
    lab.network.switches(on=True)
    with Watched(lab, folder, EDGES, NODES, log=log, listeners=listeners if proxy.name in LACKING else ()) as watched:
        sent = send_all(lab, proxy)
        flows = watched.settled(sum(each.is_served for each in sent))
    return sent, flows


def chains(flows: list[Flow]) -> Iterator[tuple[str, Chain]]:
    """Those of requests whose path was logged, by that."""
    for flow in flows:
        for chain in flow.unmasq.chains:
            yield from ((path, chain) for path in chain.paths)


def test_nobody_is_named_but_who_it_was(lab: Lab, proxy: Proxy, log: Path, tmp_path: Path) -> None:
    sent, flows = watch(lab, proxy, log, tmp_path / "store")
    told = dict(chains(flows))
    known = [(each, told[each.path]) for each in sent if each.path in told]
    assert [(each.name, chain.client) for each, chain in known if chain.client not in (each.client, None)] == []
    assert {client.ip for flow in flows for client in flow.unmasq.clients} == {at.C1, at.C1_V6, at.C2}
    assert [each.name for each, chain in known if chain.client is None and not chain.flags] == [], "nobody, and nothing says why"
    assert [each.name for each, chain in known if chain.client is None and each.way in OBSERVED] == []
    assert [each.name for each in sent if each.is_served and each.path not in told] == [], "served, and hidden"
