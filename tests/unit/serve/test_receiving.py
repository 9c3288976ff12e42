"""A server that nodes can reach: who is let in, what is taken, and that an answer means: on disk."""

import asyncio
import json
import os
import socket
import threading
from contextlib import ExitStack
from dataclasses import replace
from uuid import UUID

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.contract.test_questions import everything
from tests.contract.traffic import MIDNIGHT_US, MadeChain, MadeFlow, batch
from tests.lab.deadline import until
from tests.story.elsewhere import record
from tests.story.traffic import NODE, PROXY
from unmasq.base.clock import DAY_US, ManualClock, SystemClock
from unmasq.base.errors import StoreError, Unreachable, UsageError
from unmasq.base.telemetry import Counters
from unmasq.keep import live
from unmasq.keep.control.tokens import Tokens
from unmasq.keep.day.file import file_of, name_of
from unmasq.keep.day.writing import Writer
from unmasq.keep.duck import DuckStore
from unmasq.keep.remote import flows as remote
from unmasq.model import wire
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import Flag
from unmasq.model.nodesettings import MOST_STATUS_BYTES
from unmasq.serve import bodies, patience, receiving
from unmasq.serve.backend import open_trust
from unmasq.serve.gate import Hosts
from unmasq.serve.protocol import TrustedProxy
from unmasq.serve.server import Public, Server
from unmasq.unwind.trust import entry

CLOCK = SystemClock()


def numbered(number: int, node: str = "node-1"):
    made = batch([MadeFlow(chains=(MadeChain(requests=3),))], first_id=number, first_line=number * 10, node=node)
    return replace(made, id=UUID(int=number))


@pytest.fixture
def store(tmp_path):
    with DuckStore(tmp_path / "store") as opened:
        opened.control.trust_add([entry("edge", "203.0.113.0/24")], CLOCK.now_us())
        yield opened


@pytest.fixture
def counters():
    return Counters()


@pytest.fixture
def server(store, counters):
    public = Public("127.0.0.1", 0, names=["flows.example"], node_token=lambda: "node-token", node_ranges=["192.0.2.0/24"])
    Tokens(store.folder).add("me", "see", 0)
    with Server(store, public, CLOCK, counters) as served:
        yield served


@pytest.fixture
def client(server):
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=20) as asking:
        asking.headers["authorization"] = "Bearer node-token"
        yield asking


def post(client, made):
    return client.post("/api/v1/batches", content=wire.encode(made))


def ids(store) -> list[int]:
    return sorted(int(flow.unmasq.id[-4:], 16) for flow in everything(store))


def test_what_nodes_are_in_cannot_be_trusted(server, store):
    with open_trust(store.folder, CLOCK, writing=True) as desk, pytest.raises(UsageError, match=r"holds nodes \(192.0.2.0/24\)"):
        desk.trust_add([TrustedProxy("lb", "192.0.2.128/25")])


def test_an_answer_means_that_the_batch_is_on_disk_once(client, store, counters):
    for _ in range(3):
        answer = post(client, numbered(7))
        assert (answer.status_code, answer.json()) == (200, {"id": str(UUID(int=7))})
        assert ids(store) == [7]
    assert store.covered() == []
    counted = {name: counters.of(name) for name in ("ingest_batches", "ingest_flows", "ingest_lines", "ingest_again")}
    assert counted == {"ingest_batches": 1, "ingest_flows": 1, "ingest_lines": 3, "ingest_again": 2}


def test_batches_of_many_nodes_are_written_together(client, store, monkeypatch):
    commits = []
    write = Writer.write

    def counted(self, batches):
        batches = list(batches)
        commits.append(len(batches))
        write(self, batches)

    monkeypatch.setattr(Writer, "write", counted)
    answers: list[int] = []
    senders = [
        threading.Thread(target=lambda n=n: answers.append(post(client, numbered(n, f"node-{n}")).status_code)) for n in range(1, 13)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert answers == [200] * 12
    assert ids(store) == list(range(1, 13))
    assert store.health().nodes == 12
    assert sum(commits) == 12
    assert len(commits) <= 6


def test_what_cannot_be_written_is_said_and_taken_when_it_comes_again(client, store, monkeypatch):
    def full(*_):
        raise StoreError("cannot write", "no space left", "make room")

    monkeypatch.setattr(Writer, "write", full)
    answer = post(client, numbered(1))
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["error"]["why"]) == (503, "2", "no space left")
    monkeypatch.undo()
    until(lambda: post(client, numbered(1)).status_code == 200, "the day to be tried again")
    assert ids(store) == [1]


def broken_day(store: DuckStore, day: int) -> None:
    """The file of a day that lacks a table, as a damaged one may."""
    store.days.ensure(day)
    with store.changing(day) as cursor:
        cursor.execute(f"DROP TABLE {name_of(day)}.texts")


def test_a_day_that_cannot_be_written_fails_what_belongs_to_it_and_nothing_else(client, store, counters):
    today = MIDNIGHT_US // DAY_US
    broken_day(store, today - 3)
    old = replace(batch([MadeFlow(minute=-3 * 24 * 60)]), id=UUID(int=1))
    both = replace(batch([MadeFlow(minute=-3 * 24 * 60), MadeFlow()], first_id=2), id=UUID(int=2))
    for _ in range(2):
        answer = post(client, old)
        assert (answer.status_code, "texts" in answer.json()["error"]["why"]) == (503, True)
        assert post(client, numbered(7)).status_code == 200
        assert post(client, both).status_code == 503
    with store.at([today]) as view:
        assert view.ask(f"SELECT count(*) FROM {name_of(today)}.flows") == [(2,)]
    assert counters.of("store_failed") >= 1
    assert counters.of("ingest_flows") == 4
    reading = {"authorization": f"Bearer {Tokens(store.folder).add('doctor', 'see', 0)}"}
    assert client.get("/healthz").status_code == 200
    told = client.get("/api/v1/health", headers=reading).json()["unwritten"]
    assert [(file, "texts" in why) for file, why in told.items()] == [(file_of(today - 3), True)]
    assert "unmasq_days_unwritten 1.0" in client.get("/metrics", headers=reading).text


def test_what_waits_for_a_day_that_cannot_be_written_is_bounded(client, store, counters, monkeypatch):
    today = MIDNIGHT_US // DAY_US
    broken_day(store, today - 3)
    monkeypatch.setattr(live, "MOST_STUCK", 3)
    for number in range(1, 6):
        both = batch([MadeFlow(minute=-3 * 24 * 60), MadeFlow()], first_id=2 * number)
        assert post(client, replace(both, id=UUID(int=number))).status_code == 503
    assert counters.of("ingest_refused", "day") == 3
    with store.at([today]) as view:
        assert view.ask(f"SELECT count(*) FROM {name_of(today)}.flows") == [(5,)]
    assert counters.of("ingest_flows") == 5 + 2


def sentences(said: list[str]) -> list[str]:
    """What is for people, without the journal of requests."""
    return [each for each in said if not each.startswith("{")]


def test_what_should_never_happen_is_answered_told_and_shown_until_it_is_well_again(store, counters, monkeypatch):
    def mistaken(*_):
        raise ZeroDivisionError("division by zero")

    said = list[str]()
    public = Public("127.0.0.1", 0, node_token=lambda: "node-token")
    with Server(store, public, CLOCK, counters, said.append) as server:
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=20) as client:
            client.headers["authorization"] = "Bearer node-token"
            monkeypatch.setattr(Writer, "write", mistaken)
            for number in (1, 2):
                answer = post(client, numbered(number))
                assert (answer.status_code, answer.json()["error"]["why"]) == (503, "ZeroDivisionError: division by zero")
            health = client.get("/healthz")
            assert (health.status_code, "ZeroDivisionError" in health.text) == (503, False)
            assert counters.of("ingest_failed") >= 2
            assert len(sentences(said)) == 1
            monkeypatch.undo()
            assert post(client, numbered(3)).status_code == 200
            until(lambda: client.get("/healthz").status_code == 200, "health to be well again")  # said once all is done
    assert ids(store) == [1, 2, 3]
    assert sentences(said)[1:] == ["flows are written again"]
    assert [json.loads(text)["path"] for text in said if text.startswith("{")] == ["/api/v1/batches"] * 2, "a probe is no news"


def test_whoever_asks_comes_before_what_is_written(server):
    [writing] = [thread for thread in threading.enumerate() if thread.name == "unmasq-ingest"]
    assert os.getpriority(os.PRIO_PROCESS, writing.native_id or 0) > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_mistake_on_the_way_of_nodes_is_answered_like_any_other(client, monkeypatch):
    def mistaken(_body):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(receiving, "said_in", mistaken)
    answer = client.post("/api/v1/node-settings", content=b"{}")
    assert (answer.status_code, answer.json()["error"]["why"]) == (500, "this is a mistake in unmasq")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_is_no_batch_is_refused_and_counted(client, store, counters, monkeypatch):
    answer = client.post("/api/v1/batches", content=b"<html>")
    assert answer.status_code == 422
    assert answer.json()["error"]["what"] == "a batch cannot be taken"
    monkeypatch.setattr(receiving, "MOST_BODY_BYTES", 100)
    assert post(client, numbered(1)).status_code == 413
    monkeypatch.setattr(receiving, "MOST_AT_ONCE", 0)
    assert post(client, numbered(1)).status_code == 503
    assert counters.of("ingest_refused", "invalid") == 1
    assert ids(store) == []


def stalled(port: int) -> socket.socket:
    """An upload of which no more than its first byte comes."""
    connection = socket.create_connection(("127.0.0.1", port))
    head = "POST /api/v1/batches HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer node-token\r\nContent-Length: 1000\r\n\r\nx"
    connection.sendall(head.encode())
    return connection


def answered(connection: socket.socket) -> bytes:
    """All that comes until the other side closes, sooner than it closes what is silent after an answer anyway."""
    connection.settimeout(4)
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_uploads_that_stall_shut_nobody_out_for_long(client, server, counters, monkeypatch):
    monkeypatch.setattr(bodies, "PATIENCE_SECONDS", 0.2)
    with ExitStack() as stack:
        held = [stack.enter_context(stalled(server.port)) for _ in range(receiving.MOST_AT_ONCE)]
        until(lambda: counters.of("ingest_refused", "slow") == len(held), "the stalled ones to be given up")
        assert post(client, numbered(1)).status_code == 200
        assert {answered(connection)[:13] for connection in held} == {b"HTTP/1.1 408 "}


def test_a_connection_without_a_request_is_closed(monkeypatch, server):
    monkeypatch.setattr(patience, "IDLE_SECONDS", 0.1)
    for begun in (b"", b"GET /healthz HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /"):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(begun)
            assert answered(connection).count(b"HTTP/1.1 200") == begun.count(b"\r\n\r\n")


class Hurried(asyncio.SelectorEventLoop):
    """A loop whose clock goes on when it is told to."""

    ahead_seconds = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_seconds


class Uploading:
    """A request whose body comes in chunks, after a while each."""

    def __init__(self, loop: Hurried, chunks: int, size: int, seconds: float) -> None:
        self.loop, self.chunks, self.size, self.seconds = loop, chunks, size, seconds

    async def stream(self):
        for _ in range(self.chunks):
            self.loop.ahead_seconds += self.seconds
            for _ in range(3):
                await asyncio.sleep(0)
            yield bytes(self.size)


@pytest.mark.parametrize(("size", "seconds", "well"), [(1 << 20, 10, True), (1 << 20, 20, False), (1 << 10, 10, False), (1 << 10, 1, True)])
def test_a_large_body_may_come_slowly_but_not_without_end(size, seconds, well):
    loop = Hurried()
    try:
        coming = bodies.received(Uploading(loop, 20, size, seconds), receiving.MOST_BODY_BYTES)  # type: ignore[arg-type]
        if well:
            assert len(loop.run_until_complete(coming)) == 20 * size
        else:
            with pytest.raises(TimeoutError):
                loop.run_until_complete(coming)
    finally:
        loop.close()


def test_a_node_is_told_whom_to_trust_and_once_only(client, store):
    first = client.get("/api/v1/node-settings")
    assert first.json() == {
        "trust_version": 1,
        "trust": [{"name": "edge", "range": "203.0.113.0/24", "header": "x-forwarded-for"}],
        "interval_seconds": 60,
        "node_ranges": ["192.0.2.0/24"],
        "listeners": [],
    }
    known = {"if-none-match": first.headers["etag"]}
    assert client.get("/api/v1/node-settings", headers=known).status_code == 304
    store.control.trust_add([entry("cdn", "198.51.100.0/24")], CLOCK.now_us())
    assert client.get("/api/v1/node-settings", headers=known).json()["trust_version"] == 2


def test_how_nodes_are_doing_is_listed_beside_what_is_stored_of_them(client, store):
    reading = {"authorization": f"Bearer {Tokens(store.folder).add('prometheus', 'see', 0)}"}
    links = {"logs": ["/log"], "kernel": False, "namespace": None, "blind": None, "switches_off": [], "listeners": [], "counters": {}}
    status = links | {"started": "2026-11-28T08:00:00Z", "connections_tracked": 0, "connections_most": 0, "store_error": None}

    def say(node: str, **more: object) -> int:
        return int(client.post("/api/v1/node-settings", json={"node": node, **more}).status_code)

    assert say("new", status=status | {"node": "new"}) == 200
    assert say("old") == 200, "an older node says nothing of that"
    assert say("long", status=status | {"node": "long", "logs": ["x" * MOST_STATUS_BYTES]}) == 200
    assert post(client, numbered(1, "silent")).status_code == 200
    listed = {each["node"]: each for each in client.get("/api/v1/nodes", headers=reading).json()}
    assert {name: each["status"] and each["status"]["logs"] for name, each in listed.items()} == {
        "long": None, "new": ["/log"], "old": None, "silent": None,
    }  # fmt: skip
    assert [name for name, each in listed.items() if each["heard_us"] is None] == ["silent"]
    assert [name for name, each in listed.items() if each["stored"]] == ["silent"]


def test_what_a_node_says_of_itself_all_nodes_are_told(client, store, counters):
    def told(said: bytes):
        answer = client.post("/api/v1/node-settings", content=said)
        assert answer.status_code == 200, answer.text
        return answer.json()["node_ranges"]

    assert told(b'{"node": "a", "addresses": ["10.0.0.2", "127.0.0.1"], "news": 1}') == ["192.0.2.0/24", "10.0.0.2"]
    assert told(b'{"node": "b", "addresses": ["10.0.0.3"]}') == ["192.0.2.0/24", "10.0.0.2", "10.0.0.3"]
    first = client.get("/api/v1/node-settings")
    assert first.json()["node_ranges"] == ["192.0.2.0/24", "10.0.0.2", "10.0.0.3"]
    again = client.post(
        "/api/v1/node-settings", content=b'{"node": "b", "addresses": ["10.0.0.3"]}', headers={"if-none-match": first.headers["etag"]}
    )
    assert again.status_code == 304
    assert counters.of("nodes_heard") == 3
    reading = {"authorization": f"Bearer {Tokens(store.folder).add('prometheus', 'see', 0)}"}
    assert "unmasq_node_addresses 2.0" in client.get("/metrics", headers=reading).text


@pytest.mark.parametrize("said", [b"", b"<html>", b"[]", b'{"addresses": []}', b'{"node": ""}', b'{"node": "%s"}' % (b"n" * 300)])
def test_what_is_nothing_a_node_says_is_refused(client, said):
    assert client.post("/api/v1/node-settings", content=said).status_code == 422
    assert client.get("/api/v1/node-settings").json()["node_ranges"] == ["192.0.2.0/24"]


READING = ["/api/v1/flows", "/api/v1/trace/192.0.2.1", "/api/v1/trust", "/api/v1/health", "/api/v1/status", "/metrics"]


def test_a_node_is_told_where_connections_arrive_that_somebody_else_translated(client, store):
    def listeners():
        return client.get("/api/v1/node-settings").json()["listeners"]

    assert listeners() == []
    post(client, batch([MadeFlow(dest="10.244.1.10", flags=Flag.SNAT_ELSEWHERE), MadeFlow(dest="10.244.1.11")]))
    assert listeners() == ["10.244.1.10:80"]


def test_a_batch_of_translations_alone_is_answered_and_counted(client, store, counters):
    made = replace(batch([]), translations=record(("192.0.2.1", 7000), 1))
    for _ in range(2):
        assert post(client, made).status_code == 200
    assert store.days.days() == []
    assert [counters.of(name) for name in ("ingest_batches", "ingest_again", "translations_heard")] == [2, 0, 2]


def test_stored_flows_are_completed_by_a_record_that_comes_later(store, counters):
    """On the server's own thread, when it has settled, and though nobody sends anything then."""
    clock = ManualClock(MIDNIGHT_US)
    with Server(store, Public("127.0.0.1", 0, node_token=lambda: "node-token"), clock, counters) as server:
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=20) as asking:
            asking.headers["authorization"] = "Bearer node-token"
            flow = MadeFlow(source=NODE, port=4000, dest=PROXY, flags=Flag.SNAT_ELSEWHERE)
            assert post(asking, batch([flow])).status_code == 200
            told = record(("192.0.2.1", 7000), MIDNIGHT_US)
            assert post(asking, replace(batch([]), translations=told)).status_code == 200
            assert server.live.flows(FlowFilter(), 1).flows[0].unmasq.nat_source_ip is None
            clock.move_to(MIDNIGHT_US + 11_000_000)
            until(lambda: counters.of("remote_flows", "amended"), "the flow to be completed")
            assert server.live.flows(FlowFilter(), 1).flows[0].unmasq.nat_source_ip == "192.0.2.1"


def test_what_cannot_be_amended_now_is_amended_later(store, counters, monkeypatch):
    def broken(*_):
        raise StoreError("cannot write", "no space left", "make room")

    clock = ManualClock(MIDNIGHT_US)
    monkeypatch.setattr(remote, "amend", broken)
    with Server(store, Public("127.0.0.1", 0, node_token=lambda: "node-token"), clock, counters) as server:
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=20) as asking:
            asking.headers["authorization"] = "Bearer node-token"
            flow = MadeFlow(source=NODE, port=4000, dest=PROXY, flags=Flag.SNAT_ELSEWHERE)
            post(asking, replace(batch([flow]), translations=record(("192.0.2.1", 7000), MIDNIGHT_US)))
            clock.move_to(MIDNIGHT_US + 11_000_000)
            until(lambda: counters.of("store_failed"), "the amending to fail")
            assert server.live.flows(FlowFilter(), 1).flows[0].unmasq.nat_source_ip is None
            monkeypatch.undo()
            clock.move_to(MIDNIGHT_US + 22_000_000)
            until(lambda: counters.of("remote_flows", "amended"), "the flow to be completed")
            assert server.live.flows(FlowFilter(), 1).flows[0].unmasq.nat_source_ip == "192.0.2.1"


NODES = ["/api/v1/node-settings"]


@pytest.mark.parametrize("path", [*READING, *NODES, "/nothing", "/api/v1/batches"])
def test_without_a_token_nobody_is_let_in(client, path, counters):
    for header in ({"authorization": ""}, {"authorization": "Bearer wrong"}, {"authorization": "Basic node-token"}):
        answer = client.get(path, headers=header)
        assert (answer.status_code, answer.json()["error"]["what"]) == (401, "the request is refused")
    assert counters.of("http_refused", "token") == 3


def test_a_token_is_good_for_one_use_and_until_it_is_revoked(client, store):
    token = Tokens(store.folder).add("auditor", "see", 0)
    reading = {"authorization": f"Bearer {token}"}
    assert {client.get(path, headers=reading).status_code for path in READING} == {200}
    assert {client.get(path, headers=reading).status_code for path in NODES} == {403}
    assert client.post("/api/v1/batches", content=b"", headers=reading).status_code == 403
    assert {client.get(path).status_code for path in READING} == {403}
    Tokens(store.folder).revoke("auditor")
    assert client.get("/api/v1/health", headers=reading).status_code == 401


def test_tokens_that_cannot_be_read_let_nobody_in(client, store):
    (store.folder / "tokens.json").write_text("{")
    assert client.get("/api/v1/health", headers={"authorization": "Bearer x"}).status_code == 503


def test_what_is_believed_is_not_changed_by_who_may_only_see(client, store):
    reading = {"authorization": f"Bearer {Tokens(store.folder).add('auditor', 'see', 0)}"}
    for method, path in (("POST", "/api/v1/trust"), ("DELETE", "/api/v1/trust"), ("POST", "/api/v1/rejudge")):
        assert client.request(method, path, headers=reading).status_code == 403
    assert store.control.trust_version == 1


@pytest.mark.parametrize(
    ("host", "well"),
    [
        ("flows.example", True), ("FLOWS.example.:8470", True), ("localhost:1", True), (socket.gethostname(), True), ("127.0.0.1", True),
        ("192.0.2.9:80", True), ("[2001:db8::1]:80", True), ("[::1]", True),
        ("evil.example", False), ("flows.example.evil.example:80", False), ("", False), ("evil[::1]", False), ("localhost.evil", False),
    ],
)  # fmt: skip
def test_a_server_answers_to_its_own_names_only(client, host, well):
    assert (host in Hosts(["flows.example"])) == well
    assert client.get("/healthz", headers={"host": host}).status_code == (200 if well else 400)


def test_metrics_are_what_is_counted(client, store):
    post(client, numbered(1))
    client.post("/api/v1/batches", content=b"no batch")
    token = Tokens(store.folder).add("prometheus", "see", 0)
    text = client.get("/metrics", headers={"authorization": f"Bearer {token}"}).text
    values = {(s.name, s.labels.get("reason")): s.value for family in text_string_to_metric_families(text) for s in family.samples}
    assert values["unmasq_ingest_flows_total", ""] == 1
    assert values["unmasq_ingest_refused_total", "invalid"] == 1
    assert values["unmasq_waiting_rows", None] == 0
    assert values["unmasq_translations_known", None] == 0
    assert values["process_resident_memory_bytes", None] > 0


def test_a_port_that_is_taken_is_said(store, counters, server):
    with pytest.raises(Unreachable, match="cannot listen"), Server(store, Public("127.0.0.1", server.port), CLOCK, counters):
        pass
