"""What whoever has stolen the token of a node can read and write, and what not: docs/threat-model.md says it in words.

A token tells nodes from strangers, and not one node from another. So some tests here state what is so, not what is wished for.
"""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import httpx2
import pytest

from tests.contract.test_questions import everything
from tests.contract.traffic import MIDNIGHT_US, MadeFlow, batch
from tests.lab.deadline import until
from tests.story.elsewhere import record
from tests.story.traffic import NODE, PROXY
from tests.unit.serve.asking import bearer, path_of, table
from unmasq.base.clock import DAY_US, ManualClock
from unmasq.base.telemetry import Counters
from unmasq.keep.control.nodes import ALIVE_US
from unmasq.keep.day.ageing import expire
from unmasq.keep.duck import DuckStore
from unmasq.keep.remote.flows import RemoteFlows
from unmasq.model import wire
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Flag, FlowBatch
from unmasq.serve.server import Public, Server

NOW_US = MIDNIGHT_US + DAY_US // 2
VICTIM = "198.51.100.77"


class Told:
    """A server with the clock in our hand, what it said, and the thief who asks it."""

    def __init__(self, store: DuckStore, server: Server, thief: httpx2.Client, said: list[str], clock: ManualClock) -> None:
        self.store, self.server, self.thief, self.said, self.clock = store, server, thief, said, clock

    def send(self, made: FlowBatch) -> int:
        return int(self.thief.post("/api/v1/batches", content=wire.encode(made)).status_code)

    def say(self, node: str, *addresses: str) -> list[str]:
        """What all nodes are told the addresses of nodes are, then."""
        answer = self.thief.post("/api/v1/node-settings", json={"node": node, "addresses": addresses})
        return list(answer.json()["node_ranges"])

    def ids(self) -> list[str]:
        return sorted(flow.unmasq.id for flow in everything(self.store))


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def told(tmp_path, counters) -> Iterator[Told]:
    said, clock = list[str](), ManualClock(NOW_US)
    public = Public("127.0.0.1", 0, node_token=lambda: "node-token")
    with DuckStore(tmp_path / "store") as store, Server(store, public, clock, counters, said.append) as server:
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=20) as thief:
            thief.headers["authorization"] = "Bearer node-token"
            yield Told(store, server, thief, said, clock)


def numbered(number: int, node: str = "node-1", **made: object) -> FlowBatch:
    return replace(batch([MadeFlow(**made)], first_id=number, first_line=number * 10, node=node), id=UUID(int=number))  # type: ignore[arg-type]


def test_it_asks_no_question_and_changes_no_setting(told):
    opened = set()
    for endpoint in table(told.server):
        if endpoint.needs == "nothing":
            continue
        answer = told.thief.request(endpoint.method, path_of(endpoint), content=b"")
        if answer.status_code != 403:
            opened.add((endpoint.method, endpoint.path))
    assert opened == {("POST", "/api/v1/batches"), ("GET", "/api/v1/node-settings"), ("POST", "/api/v1/node-settings")}


def test_what_it_reads_are_settings(told):
    told.send(numbered(1, source=VICTIM))
    answer = told.thief.get("/api/v1/node-settings")
    assert set(answer.json()) == {"trust_version", "trust", "interval_seconds", "node_ranges", "listeners"}
    assert VICTIM not in answer.text


def test_it_does_not_log_in(told):
    assert told.thief.post("/login", data={"token": "node-token"}, headers={"authorization": ""}).status_code == 401


def test_it_writes_flows_under_any_nodes_name_and_a_name_that_nobody_heard_of_is_told(told):
    assert told.send(numbered(1, node="node-1", source=VICTIM)) == 200
    assert told.send(numbered(2, node="\x1b[31mnode-9", source=VICTIM)) == 200
    told.say("node-1", "10.0.0.2")
    told.say("\x1b]0;node-9\x07")
    news = [each for each in told.said if each.startswith("a new node")]
    assert news == ["a new node: node-1, with the addresses 10.0.0.2", r"a new node: \x1b]0;node-9\x07, with the addresses none"]
    told.say("node-1", "10.0.0.2")
    assert len([each for each in told.said if each.startswith("a new node")]) == 2, "once"
    listed = told.thief.get("/api/v1/nodes", headers=bearer(told.store, "see")).json()
    assert {each["node"]: each["heard_us"] is None for each in listed if each["stored"]} == {"node-1": False, "\x1b[31mnode-9": True}


def test_it_takes_nothing_away_and_overwrites_nothing(told):
    assert told.send(numbered(1, source="198.51.100.1")) == 200
    [before] = everything(told.store)
    same = numbered(1, source="198.51.100.2")  # the ids of the flow, the very lines of the log
    assert told.send(replace(same, id=UUID(int=2))) == 200
    assert sorted(str(flow.source_ip) for flow in everything(told.store)) == ["198.51.100.1", "198.51.100.2"]
    assert before in everything(told.store)
    assert told.store.covered() == [], "nor are lines that a node has still to read taken for read"


@pytest.mark.parametrize("node", ["node-1", "evil"])
def test_an_id_that_it_used_first_keeps_no_batch_out(told, counters, node):
    assert told.send(replace(numbered(5, node, source=VICTIM), id=UUID(int=7))) == 200
    for _ in range(2):
        answer = told.thief.post("/api/v1/batches", content=wire.encode(numbered(7, source="198.51.100.1")))
        assert (answer.status_code, answer.json()) == (200, {"id": str(UUID(int=7))})
    assert sorted(str(flow.source_ip) for flow in everything(told.store)) == ["198.51.100.1", VICTIM]
    assert counters.of("ingest_again") == 1, "the same batch once more is the same"


def test_an_id_that_it_uses_while_the_true_batch_waits_keeps_nothing_out(told):
    """Both in one commit."""
    first, second = numbered(5, source=VICTIM), numbered(7, source="198.51.100.1")
    bodies = [wire.encode(replace(each, id=UUID(int=7))) for each in (first, second)]
    done = [told.server.ingest.take(body) for body in bodies]
    assert [each.result(20) for each in done] == [UUID(int=7)] * 2
    assert len(told.ids()) == 2


@pytest.mark.parametrize("days", [2, 3000])
def test_it_writes_nothing_of_the_future(told, counters, days):
    made = numbered(1, minute=24 * 60 * days)
    answer = told.thief.post("/api/v1/batches", content=wire.encode(made))
    assert (answer.status_code, answer.json()["error"]["what"]) == (422, "a batch is of the future")
    assert counters.of("ingest_refused", "future") == 1
    assert everything(told.store) == []
    told.clock.move_to(NOW_US + days * DAY_US)
    assert told.send(made) == 200, "a node whose clock was wrong loses nothing"


def test_what_it_writes_of_the_past_goes_with_the_next_look_at_what_is_old(told):
    assert told.send(numbered(1)) == 200
    past = MIDNIGHT_US // DAY_US - 400
    assert told.send(numbered(2, minute=-400 * 24 * 60)) == 200
    assert expire(told.store, 91, NOW_US) == [past]


def test_addresses_that_it_says_are_a_nodes_hide_who_comes_from_there_and_are_told(told):
    assert told.say("evil", VICTIM) == [VICTIM]
    assert told.said[-1:] == [f"a new node: evil, with the addresses {VICTIM}"]
    listed = told.thief.get("/api/v1/nodes", headers=bearer(told.store, "see")).json()
    assert [each["node"] for each in listed] == ["evil"]
    assert told.say("evil", "127.0.0.1", "fe80::1", "0.0.0.0/0", "::") == [], "none of a machine or a link, and no range"


def test_an_address_of_a_node_that_it_claims_too_is_nobodys_and_is_counted(told):
    assert told.say("node-1", "10.0.0.2") == ["10.0.0.2"]
    assert told.say("evil", "10.0.0.2") == []
    shown = told.thief.get("/metrics", headers=bearer(told.store, "see")).text
    assert "unmasq_node_addresses_shared 1.0" in shown
    told.clock.move_to(NOW_US + ALIVE_US + 1_000_000)
    assert told.say("node-1", "10.0.0.2") == ["10.0.0.2"], "until the thief is silent for so long"


def client_after(told: Told, counters: Counters, *clients: str) -> tuple[str | None, str | None]:
    """NAT source and client of a flow that somebody else translated, when that many told where it came from."""
    assert told.send(batch([MadeFlow(source=NODE, port=4000, dest=PROXY, flags=Flag.SNAT_ELSEWHERE)])) == 200
    for number, client in enumerate(clients):
        assert told.send(replace(batch([], node=f"n{number}"), translations=record((client, 7000), MIDNIGHT_US))) == 200
    told.clock.move_to(NOW_US + 11_000_000)
    until(lambda: looked(told), "the server to look")
    assert told.send(batch([], node="later")) == 200  # answered when what was due before is done
    flow = told.server.live.flows(FlowFilter(), 1).flows[0]
    return flow.unmasq.nat_source_ip, flow.unmasq.chains[0].client


def looked(told: Told) -> bool:
    """Whether the records have been looked through since the clock was moved."""
    remote: RemoteFlows = told.server._remote  # noqa: SLF001  # nothing that a question shows where nothing is completed
    return remote._looked_us >= told.clock.now_us()  # noqa: SLF001


def test_where_no_node_tells_where_a_connection_came_from_it_can_name_anybody(told, counters):
    """So it is the one way to have somebody taken for an observed client: by a record for a translation that nobody else tells."""
    assert client_after(told, counters, VICTIM) == (VICTIM, VICTIM)
    assert counters.of("remote_flows", "amended") == 1


def test_against_the_word_of_the_node_that_translated_it_names_nobody(told, counters):
    assert client_after(told, counters, "192.0.2.1", VICTIM) == (None, None)
    assert counters.of("remote_flows", "amended") == 0
