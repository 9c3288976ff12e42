"""What is counted and told of requests, and what is never told."""

import json

import httpx2
import pytest

from tests.unit.serve.asking import CLOCK, bearer
from unmasq.base.clock import ManualClock
from unmasq.base.telemetry import Counters
from unmasq.keep.control.audit import NAME as AUDIT
from unmasq.keep.control.tokens import Tokens
from unmasq.serve.accounting import kind_of
from unmasq.serve.journal import LONGEST, MOST, WITHIN_US, Journal
from unmasq.serve.server import Public, Server


class Told:
    """A server, who asks it, and all that it says on standard error."""

    def __init__(self, server, asking, lines, counters):
        self.server, self.asking, self.lines, self.counters = server, asking, lines, counters

    def said(self):
        return [json.loads(line) for line in self.lines if line.startswith("{")]


@pytest.fixture
def told(store):
    lines: list[str] = []
    counters = Counters()
    with Server(store, Public("127.0.0.1", 0), CLOCK, counters, lines.append) as server:
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=20) as asking:
            yield Told(server, asking, lines, counters)


def test_what_is_refused_is_a_line_with_who_and_why(told, store):
    told.asking.get("/api/v1/flows?client=198.51.100.1")
    told.asking.delete("/api/v1/trust?name=x", headers=bearer(store, "see"))
    told.asking.get("/healthz", headers={"host": "evil.example"})
    token, role, host = told.said()
    assert (token["event"], token["reason"], token["path"], token["status"]) == ("refused", "token", "/api/v1/flows", 401)
    assert (token["origin"], token["method"], "who" in token) == ("127.0.0.1", "GET", False)
    assert (role["reason"], role["status"], host["reason"], host["status"]) == ("role", 403, "host", 400)


def test_what_is_answered_is_counted_and_not_told(told, store):
    told.asking.get("/healthz")
    told.asking.get("/api/v1/health", headers=bearer(store, "see"))
    assert told.said() == []
    assert told.counters.by_reason("http_requests") == {"operations 200": 1, "api 200": 1}
    shown = told.asking.get("/metrics", headers=bearer(store, "see")).text
    assert 'unmasq_http_requests_total{reason="api 200"} 1.0' in shown
    assert "unmasq_sessions 0.0" in shown


def test_who_logs_in_is_told_and_by_which_way(told, store):
    told.asking.get(f"/login?token={told.server.site.sessions.link()}")
    told.asking.post("/login", data={"token": Tokens(store.folder).add("ann", "see", 0)})
    link, token = told.said()
    assert (link["event"], link["way"], link["who"], link["role"]) == ("login", "link", "login link", "admin")
    assert (token["way"], token["who"], token["role"]) == ("token", "ann", "see")
    assert "unmasq_sessions 2.0" in told.asking.get("/metrics").text


def test_no_secret_gets_into_a_line_the_audit_or_a_page(told, store):
    link, used, token = (told.server.site.sessions.link() for _ in range(3))
    told.asking.get(f"/login?token={link}")
    page = told.asking.get(f"/login?token={used}").text
    page += told.asking.post("/login", data={"token": "guessed-" + used}).text
    told.asking.get(f"/api/v1/flows?token={used}", headers={"authorization": f"Bearer {used}"})
    assert told.asking.get(f"/login?token={token}").status_code == 303
    everything = page + "".join(told.lines) + (store.folder / AUDIT).read_text()
    assert not [secret for secret in (link, used, token) if secret in everything]
    assert len(told.said()) == 5


def test_what_somebody_sends_cannot_forge_a_line_or_steer_a_terminal(told):
    told.asking.get("/%0a%7b%22event%22:%22login%22%7d%1b[31m%e2%80%ae" + "x" * 5000)
    [line] = told.lines
    assert line.isprintable()
    assert told.said()[0]["event"] == "refused"
    assert len(told.said()[0]["path"]) == LONGEST


def test_a_mistake_of_ours_is_told(told, store, monkeypatch):
    monkeypatch.setattr(type(told.server.site.backend), "health", lambda _self: 1 / 0)
    assert told.asking.get("/api/v1/health", headers=bearer(store, "see")).status_code == 500
    [line] = told.said()
    assert (line["event"], line["status"], line["who"]) == ("failed", 500, "a see")


def test_no_more_lines_than_a_disk_bears_and_how_many_were_left_out():
    lines: list[str] = []
    clock = ManualClock(0)
    journal = Journal(lines.append, clock)
    for _ in range(MOST + 7):
        journal.say("refused", reason="token")
    journal.must("login", who="ann")
    assert len(lines) == MOST + 1
    clock.move_to(WITHIN_US)
    journal.say("refused", reason="token")
    assert [json.loads(line) for line in lines[-2:]] == [
        {"event": "omitted", "lines": 7, "at": "1970-01-01T00:01:00.000000Z"},
        {"event": "refused", "reason": "token", "at": "1970-01-01T00:01:00.000000Z"},
    ]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "pages"),
        ("/ip/api/", "pages"),
        ("/api/v1/flows", "api"),
        ("/api/v1/batches", "nodes"),
        ("/metrics", "operations"),
        ("/login", "login"),
    ],
)  # fmt: skip
def test_requests_are_of_few_kinds(path, kind):
    assert kind_of(path) == kind


def test_not_ready_is_told_while_a_day_cannot_be_written(told, monkeypatch):
    assert told.asking.get("/readyz").json() == {"status": "ok"}
    monkeypatch.setattr(type(told.server.live), "troubles", {1: ValueError("secret place")})
    answer = told.asking.get("/readyz")
    assert (answer.status_code, answer.json()["error"]["why"]) == (503, "a day cannot be written")
    assert told.asking.get("/healthz").status_code == 200, "the process itself is well"
