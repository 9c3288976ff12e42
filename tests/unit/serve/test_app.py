"""The API: every answer and every error is JSON of one shape."""

import json
import threading

import pytest
from starlette.testclient import TestClient

from tests.contract import shop
from unmasq.base.clock import SystemClock
from unmasq.base.errors import StoreBusy, StoreError
from unmasq.keep.duck import DuckStore
from unmasq.serve.answering import MOST_BODY_BYTES
from unmasq.serve.app import app_of
from unmasq.serve.questions import of_files
from unmasq.serve.routes import Routes


@pytest.fixture
def store(tmp_path):
    with DuckStore(shop.make_store(tmp_path / "store")) as opened:
        yield opened


@pytest.fixture
def backend(store):
    return of_files(store, SystemClock())


@pytest.fixture
def api(backend, tmp_path):
    with TestClient(app_of(Routes(backend, SystemClock()), tmp_path, SystemClock())) as client:
        yield client


def test_flows(api):
    first = api.get("/api/v1/flows", params={"client": shop.CLIENT, "limit": 10}).json()
    rest = api.get("/api/v1/flows", params={"client": shop.CLIENT, "after": first["next"]}).json()
    assert (len(first["flows"]), len(rest["flows"]), rest["next"]) == (10, 1, None)


@pytest.mark.parametrize("address", [shop.CLIENT, "198.51.100.0%2F24", "198.51.100.0/24", "%5B2001:db8::1%5D:443", "2001:db8::%2F32"])
def test_an_address_or_range_is_traced(api, address):
    answer = api.get(f"/api/v1/trace/{address}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.content.endswith(b"}\n")


def test_trace_takes_the_filter_too(api):
    assert api.get(f"/api/v1/trace/{shop.CLIENT}").json()["found"]
    assert not api.get(f"/api/v1/trace/{shop.CLIENT}", params={"last": "1h"}).json()["found"]


def test_proxies_that_are_not_declared_are_pointed_at(api):
    answer = api.get("/api/v1/proxies").json()
    assert (answer["undeclared"], [each["name"] for each in answer["lonely"]]) == ([{"ip": shop.UNDECLARED, "claims": 39}], ["edge-lb"])
    api.post("/api/v1/trust", json={"name": "late", "range": shop.UNDECLARED})
    assert api.get("/api/v1/proxies").json()["undeclared"] == []


def test_health_and_status(api):
    assert api.get("/api/v1/health").json()["flows"] == 16
    assert api.get("/api/v1/status").json() is None
    assert api.get("/healthz").json() == {"status": "ok"}


def test_trust_is_read_added_and_removed(api):
    assert api.get("/api/v1/trust").json() == {
        "version": 1,
        "proxies": [{"name": "edge-lb", "range": "203.0.113.0/24", "header": "x-forwarded-for"}],
        "warnings": [],
    }
    added = api.post("/api/v1/trust", json={"name": "many", "range": "8.0.0.0/8", "header": "X-Real-IP"}).json()
    assert (added["version"], len(added["proxies"]), len(added["warnings"])) == (2, 2, 1)
    removed = api.delete("/api/v1/trust", params={"name": "8.0.0.0/8"}).json()
    assert (removed["version"], len(removed["proxies"]), removed["warnings"]) == (3, 1, [])


def test_several_proxies_are_one_change_and_can_replace_what_has_their_names(api):
    several = [{"name": "cdn", "range": text} for text in ("192.0.2.0/24", "2001:db8:cd::/48")]
    assert api.post("/api/v1/trust", json=several).json()["version"] == 2
    replaced = api.put("/api/v1/trust", json=[{"name": "cdn", "range": "192.0.2.0/25"}]).json()
    assert (replaced["version"], [proxy["range"] for proxy in replaced["proxies"]]) == (3, ["203.0.113.0/24", "192.0.2.0/25"])
    refused = api.put("/api/v1/trust", json=[{"name": "cdn", "range": "192.0.2.9"}, {"name": "cdn", "range": "0.0.0.0/0"}])
    assert (refused.status_code, api.get("/api/v1/trust").json()["version"]) == (422, 3)


def test_rejudge(api):
    api.post("/api/v1/trust", json={"name": "late", "range": shop.UNDECLARED})
    assert api.post("/api/v1/rejudge").json() == {"flows": 16, "days": 1, "trust_version": 2}
    assert api.get("/api/v1/trace/100.64.0.7").json()["forwarded"][0]["name"] == "late"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "where"),
    [
        ("GET", "/api/v1/flows?clint=x", b"", 422, "query.clint"),
        ("GET", "/api/v1/flows?client=x", b"", 422, "query.client"),
        ("GET", "/api/v1/flows?limit=x", b"", 422, "query.limit"),
        ("GET", "/api/v1/flows?limit=0", b"", 422, None),
        ("GET", "/api/v1/flows?limit=100000", b"", 422, None),
        ("GET", "/api/v1/flows?after=x", b"", 422, None),
        ("GET", "/api/v1/trace/x", b"", 422, "path.address"),
        ("GET", "/api/v1/trace/10.0.0.0/33", b"", 422, "path.address"),
        ("GET", "/api/v1/trace/%00", b"", 422, "path.address"),
        ("POST", "/api/v1/trust", b"{", 422, "body"),
        ("POST", "/api/v1/trust", b'{"name": 1}', 422, "body"),
        ("POST", "/api/v1/trust", b'{"name": "x", "range": "y"}', 422, None),
        ("DELETE", "/api/v1/trust", b"", 422, "query.name"),
        ("DELETE", "/api/v1/trust?name=nobody", b"", 422, None),
        ("POST", "/api/v1/rejudge?since=x", b"", 422, None),
        ("GET", "/api/v1/nothing", b"", 404, None),
        ("DELETE", "/api/v1/flows", b"", 405, None),
        ("POST", "/api/v1/trust", b" " * (MOST_BODY_BYTES + 1), 413, None),
    ],
)
def test_every_error_has_one_shape(api, method, path, body, status, where):
    answer = api.request(method, path, content=body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"what", "why", "next", "path"}
    assert error["path"] == where
    assert error["what"]


@pytest.mark.parametrize(
    ("raised", "status", "what"),
    [
        (StoreBusy("busy"), 503, "busy"),
        (StoreError("damaged"), 500, "damaged"),
        (ZeroDivisionError("inside"), 500, "unmasq failed on this question"),
    ],
)
def test_what_a_store_raises_is_told_without_a_traceback(api, backend, monkeypatch, capsys, raised, status, what):
    def fail(*_args, **_kwargs):
        raise raised

    monkeypatch.setattr(backend, "flows", fail)
    answer = api.get("/api/v1/flows")
    assert (answer.status_code, answer.json()["error"]["what"]) == (status, what)
    assert capsys.readouterr().err == ""


def test_a_traceback_is_for_who_asks_for_it(api, backend, monkeypatch, capsys):
    monkeypatch.setattr(backend, "flows", lambda *_: 1 / 0)
    monkeypatch.setenv("UNMASQ_DEBUG", "1")
    assert api.get("/api/v1/flows").status_code == 500
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_many_may_ask_at_once_while_flows_come(api, store):
    answers = []

    def ask():
        answers.append(json.loads(api.get(f"/api/v1/trace/{shop.CLIENT}").content)["found"])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    store.append(shop.shop())
    for thread in threads:
        thread.join()
    assert answers == [True] * 8


def test_requests_over_time_in_a_width_that_suits_the_stored_time(api):
    found = api.get("/api/v1/histogram").json()
    assert found["width_us"] == 5_000_000
    assert sum(sum(bucket.values()) - bucket["start_us"] for bucket in found["buckets"]) == api.get("/api/v1/health").json()["requests"]
    wide = api.get("/api/v1/histogram", params={"width": "1d", "client": shop.CLIENT}).json()
    assert [(each["forwarded"], each["observed"]) for each in wide["buckets"]] == [(300, 14)]
    assert api.get("/api/v1/histogram", params={"last": "1h"}).json()["buckets"] == []


def test_facets_are_those_that_are_asked_for(api):
    found = api.get("/api/v1/facets", params={"field": ["status", "evidence"], "limit": 1, "client": shop.CLIENT}).json()
    assert [(each["field"], each["values"], each["more"]) for each in found["facets"]] == [
        ("status", [{"value": "200", "requests": 314}], False),
        ("evidence", [{"value": "forwarded", "requests": 300}], True),
    ]
    assert found["complete"]


def test_who_had_most_requests(api):
    found = api.get("/api/v1/top", params={"limit": 1, "since": "1970-01-01", "new": "true"}).json()
    assert [(each["ip"], each["requests"], each["is_new"]) for each in found["ranked"]] == [(shop.CLIENT, 314, True)]
    assert api.get("/api/v1/top", params={"by": "source"}).json()["ranked"][0]["ip"] == shop.EDGE


def test_nodes_and_rejects(api):
    assert [each["node"] for each in api.get("/api/v1/nodes").json()] == ["node-1"]
    assert {each["reason"] for each in api.get("/api/v1/rejects").json()} == set(api.get("/api/v1/health").json()["rejects"])


@pytest.mark.parametrize(
    ("path", "words"),
    [("histogram?width=x", "not a length"), ("histogram?width=1s&since=2024-01-01", "at most 2000"),
     ("histogram?until=9999-12-31&width=1ms", "2000"),
     ("facets?field=colour", "no facet"), ("facets?field=host&limit=0", "not a number of values"), ("top?limit=1001", "1 to 1000"),
     ("top?by=colour", "no ranking"), ("top?new=yes", "true or false"), ("top?new=true", "since when"), ("flows?x=colour=1", "left out")],
)  # fmt: skip
def test_what_no_figure_can_be_is_said(api, path, words):
    answer = api.get(f"/api/v1/{path}")
    assert answer.status_code == 422
    assert words in answer.text


@pytest.mark.parametrize("query", ["since=9999-12-31", "until=0001-01-01", "client=::/0&client=0.0.0.0/0&via=0.0.0.0/0", "last=999999999w"])
@pytest.mark.parametrize("path", ["flows", "histogram", "facets?field=client", "top", f"trace/{shop.CLIENT}"])
def test_what_is_beyond_reason_is_answered_all_the_same(api, path, query):
    assert api.get(f"/api/v1/{path}{'&' if '?' in path else '?'}{query}").status_code == 200
