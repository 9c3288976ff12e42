"""What is too large, malformed or odd is refused in the one shape, and never a mistake of ours."""

import pytest

from tests.unit.serve.asking import HTML, bearer, path_of, raw, table
from unmasq.serve import bodies, headers
from unmasq.serve.answering import MOST_BODY_BYTES
from unmasq.serve.gate import COOKIE, MOST_FIELDS

LONG = b"a" * 100_000


def test_head_is_answered_where_get_is_and_without_a_body(server, store, browser):
    seeing = bearer(store, "admin")
    for each in table(server):
        if each.method != "GET" or each.raw or each.path == "/login":
            continue
        got = browser.get(path_of(each), headers=seeing)
        head = browser.head(path_of(each), headers=seeing)
        assert (head.status_code, head.content) == (got.status_code, b""), each.path


@pytest.mark.parametrize(("path", "allowed"), [("/api/v1/flows", "GET, HEAD"), ("/api/v1/trust", "DELETE, GET, HEAD, POST, PUT")])
def test_another_method_is_told_which_there_are(store, browser, path, allowed):
    answer = browser.request("OPTIONS", path, headers=bearer(store, "see"))
    assert answer.status_code == 405
    assert ", ".join(sorted(answer.headers["allow"].split(", "))) == allowed
    assert browser.request("OPTIONS", path).status_code == 401, "a stranger is not told what there is"


@pytest.mark.parametrize("path", ["/nothing", "/api/v1", "/api/v1/flows/", "/flows/", "/api/v2/flows", "/static/"])
def test_a_stranger_is_not_told_what_there_is_not(store, browser, path):
    assert browser.get(path).status_code == 401
    found = browser.get(path, headers=bearer(store, "see"))
    assert (found.status_code, "location" in found.headers) == (404, False)


def test_every_answer_of_every_route_carries_the_policy_also_errors(server, store, browser):
    for shown in ({}, bearer(store, "see"), bearer(store, "admin"), bearer(store, "node")):
        for each in table(server):
            if each.raw and "GET" in each.method and shown:
                continue  # a stream does not end; below
            answer = browser.request(each.method, path_of(each), headers=shown | HTML)
            assert answer.status_code != 500, (each.path, answer.text)
            assert {name: answer.headers.get(name) for name in headers.ALWAYS} == headers.ALWAYS, (each.path, answer.status_code)
            if not each.path.startswith("/static"):
                assert answer.headers["cache-control"] == "no-store", each.path


@pytest.mark.parametrize("path", ["/api/v1/trust", "/api/v1/rejudge", "/proxies/trust", "/logout"])
def test_a_body_is_bounded(store, browser, path):
    answer = browser.post(path, content=b" " * (MOST_BODY_BYTES + 1), headers=bearer(store, "admin"))
    assert answer.status_code == 413
    assert answer.json()["error"]["why"] == f"its body is longer than {MOST_BODY_BYTES:,} bytes"


def test_a_body_of_a_stranger_is_bounded(browser):
    assert browser.post("/login", content=b" " * (MOST_BODY_BYTES + 1)).status_code == 413
    assert browser.post("/api/v1/trust", content=b" " * (MOST_BODY_BYTES + 1)).status_code == 401


def test_a_body_that_comes_in_pieces_is_bounded_as_well(store, browser):
    pieces = (b" " * 65536 for _ in range(64))
    assert browser.post("/api/v1/trust", content=pieces, headers=bearer(store, "admin")).status_code == 413


def test_a_body_that_stalls_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(bodies, "PATIENCE_SECONDS", 0.2)
    answered = raw(server, b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\ntoken=")
    assert answered.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answered


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /api/v1/flows?host=" + LONG,
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + LONG,
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000,
        b"nonsense\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
    ],
)
def test_a_head_is_bounded_and_well_formed(server, sent):
    assert raw(server, sent).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "host", ["", "evil.example", "[::1].evil.example", "127.0.0.1:80@evil.example", "evil.example:127.0.0.1", "localhost/", "[::1", "a b"]
)
def test_a_host_that_is_not_whole_is_none_of_ours(server, host):
    assert raw(server, f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.:8470", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8470", "192.0.2.1"])
def test_addresses_and_own_names_are_ours(server, host):
    assert raw(server, f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).startswith(b"HTTP/1.1 200 ")


def test_a_form_is_bounded(browser):
    assert browser.post("/login", data={f"a{n}": "1" for n in range(MOST_FIELDS + 1)}).status_code == 401


def test_a_form_of_somebody_who_is_logged_in_is_bounded(admin):
    assert admin.post("/proxies/trust", data={f"a{n}": "1" for n in range(MOST_FIELDS + 1)}).status_code == 403


def test_parameters_are_bounded(store, browser):
    seeing = bearer(store, "see")
    many = "&".join(f"client=10.{n // 256}.{n % 256}.1" for n in range(3000))
    assert browser.get(f"/api/v1/flows?{many}", headers=seeing).json()["error"]["path"] == "query.client"
    assert browser.get("/flows?" + "&".join(f"a{n}" for n in range(8000)), headers=seeing).status_code == 422


@pytest.mark.parametrize("origin", ["http://[", "http://", "null", "x", "http://127.0.0.1:1"])
def test_an_origin_that_is_not_this_one_is_refused(browser, origin):
    assert browser.post("/login", data={"token": "x"}, headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize("before", ["other; ", '{"a":1}; ', "a=\x80; ", 'x="\\001"; ', "=; "])
def test_a_cookie_of_another_program_on_this_machine_does_not_log_out(admin, before):
    session = admin.cookies[COOKIE]
    admin.cookies.clear()
    answer = admin.get("/api/v1/health", headers={"cookie": f"{before}{COOKIE}={session}".encode("latin-1")})
    assert answer.status_code == 200


def test_the_name_of_the_cookie_over_tls_is_worth_nothing_without(admin):
    session = admin.cookies[COOKIE]
    admin.cookies.clear()
    assert admin.get("/api/v1/health", headers={"cookie": f"__Host-{COOKIE}={session}"}).status_code == 401


def test_what_looks_at_a_link_before_a_person_does_not_use_it_up(server, browser):
    link = f"/login?token={server.site.sessions.link()}"
    assert browser.head(link).status_code == 200
    assert browser.get(link).status_code == 303


@pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff\xfe", b"", b"null", b'{"name": 1}', b'{"name": "\\ud800", "range": "192.0.2.1"}'])
def test_a_body_that_makes_no_sense_is_told(store, browser, body):
    answer = browser.post("/api/v1/trust", content=body, headers=bearer(store, "admin"))
    assert answer.status_code == 422, answer.text
    assert store.control.trust_version == 1


@pytest.mark.parametrize("path", ["/api/v1/trace/%00", "/ip/%00%1b[31m", "/ip/%ff", "/api/v1/flows?client=%00", "/api/v1/flows?port=-1"])
def test_bytes_that_are_no_text_are_told(store, browser, path):
    answer = browser.get(path, headers=bearer(store, "see"))
    assert answer.status_code == 422
    assert "\x1b" not in answer.text
