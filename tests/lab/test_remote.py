"""A NodePort on one node and the ingress on another: what the other node translated is undone on the server."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx2
import pytest

from tests.crash.shipping import SHORT, TOKEN, UNMASQ, Program, free_port
from unmasq.keep.control.tokens import Tokens

from . import topology as at
from .cluster import Lab
from .conntrack import Tuple, entries
from .deadline import until

pytestmark = pytest.mark.needs("lab")
PORT = 30080
CLASH = 44444
FORGED = [("X-Forwarded-For", "6.6.6.6"), ("X-Real-IP", "7.7.7.7")]
SETTLED_SECONDS = 60


class Came(NamedTuple):
    """A request by way of the other node: who asked, and what the proxy saw instead."""

    client: str
    seen: Tuple


class Nodes:
    """`unmasq serve` and an `unmasq node` for each node of the lab, as processes; nodes are trusted by mistake.

    Nobody says which addresses nodes have.
    """

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder, self.store, self.port = lab, folder, folder / "store", free_port()
        (folder / "token").write_text(TOKEN)
        self.store.mkdir()
        self._reader = Tokens(self.store).add("me", "see", 0)
        (folder / "empty").touch()
        told = [f"--listener={at.INGRESS}:80", "--trust", "10.0.0.0/8", "--interval-seconds", "1"]  # the other one it has to learn
        listen = ("--listen", f"127.0.0.1:{self.port}", "--token-file", str(folder / "token"))
        self._server = Program(folder / "server.said", "serve", "--store", str(self.store), *listen, *told)
        logs = {"node": lab.nginx.log("extended"), "node2": folder / "empty"}
        self._nodes = {host: self._node(host, log) for host, log in logs.items()}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for program in (self._server, *self._nodes.values()):
                stack.callback(program.start().kill)
                until(lambda: "serving" in self._server.said(), "the server to answer", 60)
            until(lambda: all("reading" in node.said() for node in self._nodes.values()), "the nodes to begin", 60)
            until(lambda: self.counted("node2", "unmasq_ship_settings_total"), "the other node to know the listeners", 60)
            until(lambda: self.counted("server", "unmasq_nodes_known") == len(self._nodes), "the nodes to tell their addresses", 60)
            asked = self.counted("node", "unmasq_ship_settings_total")
            until(lambda: self.counted("node", "unmasq_ship_settings_total") > asked, "the proxy's node to know the other's", 60)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def counted(self, of: str, name: str) -> float:
        """A counter of a node or of the `server`, over all its reasons; 0 while nobody answers."""
        port = self.port if of == "server" else self._metrics[of]
        try:
            answer = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, headers={"authorization": f"Bearer {self._reader}"})
        except httpx2.TransportError:
            return 0
        assert answer.status_code == 200, answer.text
        rows = [line.rsplit(" ", 1) for line in answer.text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(value) for _, value in rows)

    def flows(self, source: str, port: int) -> list[dict[str, Any]]:
        """The flows of one connection, as the proxy saw it."""
        asked = [UNMASQ, "flows", "--source", source, "-o", "json", "--store", str(self.store)]
        found = json.loads(subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout)["flows"]
        return [flow for flow in found if flow["source_port"] == port]

    def _node(self, host: str, log: Path) -> Program:
        self._metrics = {**getattr(self, "_metrics", {}), host: free_port()}
        watched = ("--namespace", str(self.lab.network.namespace_path(host)), "--input", str(log), "--node", host)
        to = ("--server", f"http://127.0.0.1:{self.port}", "--token-file", str(self.folder / "token"), "--spool", str(self.folder / host))
        return Program(self.folder / f"{host}.said", "node", *watched, *to, *SHORT, "--metrics", f"127.0.0.1:{self._metrics[host]}")


@pytest.fixture(scope="module")
def nodes(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    lab.network.switches(on=True)
    with Nodes(lab, tmp_path_factory.mktemp("nodes")) as started:
        yield started


@pytest.fixture(scope="module")
def came(lab: Lab, nodes: Nodes) -> dict[str, Came]:
    """All requests at once, so that what has to settle settles once."""
    ways = {
        "v4": asked(lab, ["c1"], at.NODE2),
        "v6": asked(lab, ["c1"], at.NODE2_V6),
        "forged": asked(lab, ["c2"], at.NODE2, FORGED),
        "forged, v6": asked(lab, ["c2"], at.NODE2_V6, FORGED),
        "clash": asked(lab, ["c1", "c2"], at.NODE2, source_port=CLASH),
        "a node": asked(lab, ["node"], at.NODE2, FORGED),
        "a node, v6": asked(lab, ["node"], at.NODE2_V6, FORGED),
    }
    return {f"{name} {number}" if len(each) > 1 else name: one for name, each in ways.items() for number, one in enumerate(each)}


def asked(lab: Lab, hosts: Sequence[str], to: str, headers: Sequence[tuple[str, str]] = (), source_port: int = 0) -> list[Came]:
    """One request from each host, on connections that are open at the same time."""
    open_ = [lab.connect(host, to, PORT, source_port=source_port) for host in hosts]
    found = []
    for connection in open_:
        connection.request("/local", headers)
        (seen,) = [
            entry.as_accepted
            for entry in entries(lab.network, "node2")
            if entry.original == Tuple(connection.local_address, connection.local_port, to, PORT)
        ]
        found.append(Came(connection.local_address, seen))
    for connection in open_:
        connection.close()
    return found


def completed(nodes: Nodes, seen: Tuple) -> list[dict[str, Any]]:
    """The flows of a connection, once all of them have their client: one with the request, and perhaps one of what followed it."""
    found = nodes.flows(seen.source, seen.source_port)
    return found if found and all(flow["unmasq"]["join"] == "remote-nat" for flow in found) else []


@pytest.mark.parametrize("way", ["v4", "v6", "forged", "forged, v6", "clash 0", "clash 1"])
def test_a_connection_by_way_of_another_node_is_one_flow_with_the_right_client(nodes: Nodes, came: dict[str, Came], way: str) -> None:
    """Also where a header is forged and nodes are trusted, and where two clients have the same port."""
    client, seen = came[way]
    assert seen.source in (at.NODE2, at.NODE2_V6)
    flows = until(lambda: completed(nodes, seen), "the flow to be completed", SETTLED_SECONDS)
    assert len({flow["unmasq"]["connection"]["id"] for flow in flows}) == 1
    (flow,) = [flow for flow in flows if flow["unmasq"]["requests"]]
    (chain,) = flow["unmasq"]["chains"]
    assert (chain["client"], chain["evidence"], chain["observed"]) == (client, "observed", client)
    assert (flow["unmasq"]["nat_source_ip"], flow["unmasq"]["flags"], flow["unmasq"]["node"]) == (client, [], "node")
    assert flow["dest_port"] == 80


def test_the_second_of_two_clients_with_one_port_got_another_one(came: dict[str, Came]) -> None:
    assert came["clash 0"].seen.source_port == CLASH != came["clash 1"].seen.source_port
    assert came["clash 0"].client != came["clash 1"].client


def test_what_was_told_and_heard_is_counted_and_the_other_node_made_no_flows(nodes: Nodes, came: dict[str, Came]) -> None:
    until(lambda: nodes.counted("server", "unmasq_remote_flows_total") >= len(came), "all flows to come", SETTLED_SECONDS)
    assert nodes.counted("node2", "unmasq_translations_told_total") >= len(came)
    assert nodes.counted("server", "unmasq_translations_heard_total") >= len(came)
    assert nodes.counted("node2", "unmasq_ship_flows_total") == 0
    assert nodes.counted("node", "unmasq_translations_told_total") == 0


@pytest.mark.parametrize("way", ["a node", "a node, v6"])
def test_an_address_of_a_node_is_no_client_also_where_another_node_saw_it_connect(nodes: Nodes, came: dict[str, Came], way: str) -> None:
    """It may stand for whoever the node translated; what it forwards is not believed, though nodes are trusted by mistake."""
    own, seen = came[way]
    assert own in (at.NODE, at.NODE_V6)
    assert seen.source in (at.NODE2, at.NODE2_V6)
    flows = until(lambda: completed(nodes, seen), "the flow to be completed", SETTLED_SECONDS)
    (flow,) = [flow for flow in flows if flow["unmasq"]["requests"]]
    assert (flow["unmasq"]["nat_source_ip"], flow["unmasq"]["flags"]) == (own, ["snat_elsewhere"])
    assert nobody(flow)


@pytest.mark.parametrize("address", [at.INGRESS, at.INGRESS_V6])
def test_nor_is_that_of_the_other_node_which_translated_nothing(lab: Lab, nodes: Nodes, address: str) -> None:
    """A process on that node itself: of it nobody has anything to tell, and it stays unknown."""
    with lab.connect("node2", address) as connection:
        connection.request("/local", FORGED)
        own, port = connection.local_address, connection.local_port
    assert own in (at.NODE2, at.NODE2_V6)
    flows = until(lambda: [flow for flow in nodes.flows(own, port) if flow["unmasq"]["requests"]], "the flow to come", SETTLED_SECONDS)
    (flow,) = flows
    assert (flow["unmasq"]["join"], flow["unmasq"]["nat_source_ip"], flow["unmasq"]["flags"]) == ("exact", None, ["snat_elsewhere"])
    assert nobody(flow)


def nobody(flow: dict[str, Any]) -> bool:
    """Whether nobody is the client of a flow, neither of its requests nor in its list."""
    return [chain["client"] for chain in flow["unmasq"]["chains"]] == [None] and not flow["unmasq"]["clients"]
