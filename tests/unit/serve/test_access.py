"""Who gets in: every route there is, tried without a token, with a wrong role, under a wrong name, and without a form's secret."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.unit.serve.asking import HTML, bearer, path_of, table
from unmasq.base.clock import MICROSECONDS, ManualClock
from unmasq.keep.control.audit import Audit
from unmasq.keep.control.tokens import Role, Tokens
from unmasq.serve import headers
from unmasq.serve.attempts import MOST, MOST_PLACES, Attempts
from unmasq.serve.endpoint import MAY
from unmasq.serve.gate import COOKIE
from unmasq.serve.who import LASTS_US, MOST_SESSIONS, Sessions, is_unmasked, masked


def secret_in(page: str) -> str:
    found: list[str] = re.findall(r'name="csrf" value="([0-9a-f]+)"', page)
    return found[0]


def test_nothing_but_what_tells_nothing_is_open(server):
    opened = {(each.method, each.path) for each in table(server) if each.needs == "nothing"}
    assert opened == {
        ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/login"), ("POST", "/login"), ("GET", "/static/{digest}/{name}"),
    }  # fmt: skip


def test_without_a_token_no_route_answers(server, browser):
    for each in table(server):
        if each.needs != "nothing":
            assert browser.request(each.method, path_of(each)).status_code == 401, each.path
            assert browser.request(each.method, path_of(each), headers={"authorization": "Bearer x"}).status_code == 401, each.path


def test_a_role_that_is_not_enough_is_refused_on_every_route(server, store, browser):
    roles: tuple[Role, ...] = ("node", "see", "admin")
    shown = {role: bearer(store, role) for role in roles}
    for each in table(server):
        if each.needs == "nothing":
            continue
        for role, token in shown.items():
            if role not in MAY[each.needs]:
                assert browser.request(each.method, path_of(each), headers=token).status_code == 403, (each.path, role)


def test_whoever_may_see_can_read_every_page_and_answer(server, store, browser):
    seeing = bearer(store, "see")
    for each in table(server):
        if each.needs == "see" and each.method == "GET" and each.raw is None:
            assert browser.get(path_of(each), headers=seeing).status_code in (200, 303, 422), each.path


def test_a_wrong_name_is_refused_on_every_route(server, store, browser):
    token = bearer(store, "admin")
    for each in table(server):
        answer = browser.request(each.method, path_of(each), headers=token | {"host": "evil.example"})
        assert answer.status_code == 400, each.path


def test_a_cookie_alone_changes_nothing(server, store, admin):
    changing = [each for each in table(server) if each.method != "GET" and each.needs in ("see", "admin")]
    assert len(changing) >= 8
    for each in changing:
        assert admin.request(each.method, path_of(each)).status_code == 403, each.path
    assert store.control.trust_version == 1


def test_the_secret_of_a_form_changes_something_and_is_noted(store, admin):
    secret = secret_in(admin.get("/proxies", headers=HTML).text)
    form = {"csrf": secret, "name": "new", "range": "192.0.2.7", "header": "x-real-ip"}
    assert admin.post("/proxies/trust", data=form).status_code in (200, 303)
    assert "192.0.2.7" in {entry.range.text for entry in store.control.trust_list().entries}
    noted, came = Audit(store.folder).page(5).entries
    assert (came.who, came.method, came.path, came.sent) == ("login link", "GET", "/login", ""), "the link itself is kept nowhere"
    assert (noted.who, noted.role, noted.path, noted.status) == ("login link", "admin", "/proxies/trust", 303)
    assert secret not in noted.sent
    assert "192.0.2.7" in noted.sent


def test_a_script_of_ours_sends_the_secret_as_a_header(store, admin):
    secret = secret_in(admin.get("/proxies", headers=HTML).text)
    entry = {"name": "new", "range": "192.0.2.7"}
    for wrong in ("", secret[:-2], secret[:-1] + "x", "00" * 64):
        assert admin.post("/api/v1/trust", json=entry, headers={"x-csrf-token": wrong}).status_code == 403
    assert admin.post("/api/v1/trust", json=entry, headers={"x-csrf-token": secret}).status_code == 200
    assert store.control.trust_version == 2


@pytest.mark.parametrize(
    "more", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "null"}]
)
def test_a_form_elsewhere_is_refused_even_with_the_secret(admin, more):
    secret = secret_in(admin.get("/proxies", headers=HTML).text)
    assert admin.post("/proxies/trust", data={"csrf": secret, "name": "a", "range": "192.0.2.7"}, headers=more).status_code == 403


def test_a_secret_is_another_one_on_each_page_and_of_nobody_else(admin, browser):
    pages = [secret_in(admin.get("/proxies", headers=HTML).text) for _ in range(2)]
    assert pages[0] != pages[1]
    assert is_unmasked(masked("abc"), "abc")
    assert not is_unmasked(masked("abc"), "abd")
    assert not any(is_unmasked(text, "abc") for text in ("", "zz", "00", "abc"))
    assert not is_unmasked(masked(""), "")


def test_the_link_works_once(server, browser):
    link = f"/login?token={server.site.sessions.link()}"
    first = browser.get(link)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    cookie = first.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/"))
    assert browser.get("/").status_code == 200
    browser.cookies.clear()
    assert browser.get(link).status_code == 401
    assert browser.get("/").status_code == 401


def test_a_browser_is_sent_to_log_in_and_a_program_is_told(browser):
    sent = browser.get("/ip/198.51.100.1", headers=HTML)
    assert (sent.status_code, sent.headers["location"]) == (303, "/login")
    told = browser.get("/api/v1/flows", headers=HTML)
    assert (told.status_code, told.json()["error"]["what"]) == (401, "the request is refused")


def test_a_token_logs_in_until_it_is_revoked(store, browser):
    text = Tokens(store.folder).add("me", "see", 0)
    assert browser.post("/login", data={"token": text}).status_code == 303
    page = browser.get("/proxies", headers=HTML)
    assert page.status_code == 200
    assert "/proxies/trust" not in page.text, "whoever may only see is shown no form"
    Tokens(store.folder).revoke("me")
    assert browser.get("/").status_code == 401


def test_a_node_does_not_log_in(store, browser):
    for text in (Tokens(store.folder).add("node", "node", 0), "node-token", ""):
        assert browser.post("/login", data={"token": text}).status_code == 401


def test_whoever_is_logged_in_can_log_in_as_somebody_else(store, admin):
    assert admin.post("/login", data={"token": Tokens(store.folder).add("me", "see", 0)}).status_code == 303
    assert admin.get("/api/v1/audit").status_code == 403
    assert admin.post("/login", data={"token": "x"}, headers={"origin": "http://evil.example"}).status_code == 403


def test_logging_out_ends_it(admin):
    secret = secret_in(admin.get("/", headers=HTML).text)
    session = admin.cookies[COOKIE]
    assert admin.post("/logout", data={"csrf": secret}).status_code == 303
    assert admin.get("/", headers={"cookie": f"{COOKIE}={session}"}).status_code == 401


def test_whoever_guesses_waits(server, browser, store):
    text = Tokens(store.folder).add("me", "see", 0)
    for _ in range(MOST):
        assert browser.post("/login", data={"token": "guess"}).status_code == 401
    assert browser.post("/login", data={"token": text}).status_code == 429
    assert browser.get(f"/login?token={server.site.sessions.link()}").status_code == 429
    clock = ManualClock(0)
    attempts = Attempts(clock)
    for guess in range(MOST):
        attempts.failed(f"2001:db8::{guess:x}")
    assert not attempts.may("2001:db8::ffff"), "whoever has one address of a network has them all"
    assert attempts.may("2001:db8:0:1::1")
    assert attempts.may("192.0.2.1")
    clock.move_to(61 * MICROSECONDS)
    assert attempts.may("2001:db8::1")


def test_of_places_that_guess_the_oldest_are_forgotten():
    attempts = Attempts(ManualClock(0))
    for _ in range(MOST):
        attempts.failed("192.0.2.1")
    for place in range(MOST_PLACES):
        attempts.failed(f"10.0.{place // 256}.{place % 256}")
    assert attempts.may("192.0.2.1")


def test_a_session_ends_in_time_and_the_oldest_makes_room(tmp_path):
    clock = ManualClock(5)
    sessions = Sessions(Tokens(tmp_path), clock)
    first = sessions.by_link(sessions.link())
    assert first is not None
    assert sessions.who(first) is not None
    clock.move_to(5 + LASTS_US)
    assert sessions.who(first) is None
    made = [sessions.by_link(sessions.link()) for _ in range(MOST_SESSIONS + 1)]
    assert len(sessions) == MOST_SESSIONS
    assert sessions.who(made[0] or "") is None
    assert sessions.who(made[-1] or "") is not None


def test_every_answer_carries_the_policy(server, store, browser):
    seeing = bearer(store, "see")
    for path in ("/", "/flows", "/ip/x", "/nothing", "/login", "/api/v1/flows", "/healthz", "/api/v1/flows?nonsense=1"):
        answer = browser.get(path, headers=seeing | HTML)
        for name, value in headers.ALWAYS.items():
            assert answer.headers[name] == value, path
        assert answer.headers["cache-control"] == "no-store"


def test_style_and_script_are_kept_by_browsers_under_an_address_of_their_content(store, browser):
    page = browser.get("/", headers=bearer(store, "see") | HTML).text
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        answer = browser.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert browser.get("/static/000000000000/app.js").status_code == 422
    assert browser.get("/static/0/..%2f..%2fwho.py").status_code in (401, 404, 422)


def test_the_description_of_the_api_names_what_there_is(server, store, browser):
    described = browser.get("/api/v1/openapi.json", headers=bearer(store, "see")).json()
    assert described["openapi"] == "3.1.0"
    for each in table(server):
        if each.path.startswith("/api/v1/") and each.needs != "node" and each.path != "/api/v1/openapi.json":
            assert each.method.lower() in described["paths"][each.path.replace(":path}", "}")], each.path
    names = [each["name"] for each in described["paths"]["/api/v1/flows"]["get"]["parameters"]]
    assert {"client", "via", "x", "since", "last", "limit", "after", "format"} <= set(names)
    assert all(each["description"] for path in described["paths"].values() for way in path.values() for each in way["parameters"])


def test_the_description_says_what_values_there_are_and_in_which_forms_answers_come(store, browser):
    paths = browser.get("/api/v1/openapi.json", headers=bearer(store, "admin")).json()["paths"]
    top = {each["name"]: each["schema"] for each in paths["/api/v1/top"]["get"]["parameters"]}
    assert top["by"]["enum"] == ["client", "claim", "original_source", "source", "nat_source"]
    assert (top["limit"]["minimum"], top["limit"]["maximum"]) == (1, 1000)
    assert top["join"]["items"]["enum"][2] == "remote-nat"
    assert set(paths["/api/v1/top"]["get"]["responses"]["200"]["content"]) == {"application/json", "application/jsonl", "text/csv"}
    assert set(paths["/api/v1/health"]["get"]["responses"]["200"]["content"]) == {"application/json"}
    assert "413" in paths["/api/v1/trust"]["post"]["responses"]


@pytest.mark.parametrize("limit", ["0", "1001", "x"])
def test_the_audit_gives_no_other_number_of_entries_than_was_asked_for(store, browser, limit):
    answer = browser.get(f"/api/v1/audit?limit={limit}", headers=bearer(store, "admin"))
    assert (answer.status_code, answer.json()["error"]["path"]) == (422, "query.limit")


@pytest.mark.parametrize("path", ["/login", "/api/v1/trust", "/api/v1/rejudge", "/proxies/trust", "/logout"])
def test_a_form_of_very_many_fields_is_none(store, browser, path):
    form = {f"field-{number}": "x" for number in range(101)}
    assert browser.post(path, data=form, headers=bearer(store, "admin")).status_code in (200, 303, 401, 422)


def test_a_change_over_the_api_is_noted_and_read_by_admins(store, browser):
    token = bearer(store, "admin")
    assert browser.post("/api/v1/trust", json={"name": "a", "range": "192.0.2.9"}, headers=token).status_code == 200
    assert browser.post("/api/v1/trust", json={"name": "a"}, headers=token).status_code == 422
    noted = browser.get("/api/v1/audit", headers=token).json()["entries"]
    assert [(each["who"], each["method"], each["status"]) for each in noted] == [("a admin", "POST", 422), ("a admin", "POST", 200)]
    assert (store.folder / "audit.jsonl").stat().st_mode & 0o777 == 0o600


def test_rows_come_as_lines_and_as_csv_and_the_next_page_is_linked(store, browser):
    seeing = bearer(store, "see")
    page = browser.get("/api/v1/flows?limit=2", headers=seeing)
    following = re.fullmatch(r'<(.*)>; rel="next"', page.headers["link"])
    assert following
    assert parse_qs(urlsplit(following[1]).query)["after"] == [page.json()["next"]]
    assert len(browser.get("/api/v1/flows?limit=2&format=jsonl", headers=seeing).text.splitlines()) == 2
    table = browser.get("/api/v1/flows?limit=2", headers=seeing | {"accept": "text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines()[0].startswith("time,source,client")
    for path in ("/api/v1/top", "/api/v1/facets", "/api/v1/histogram?last=1h", "/api/v1/nodes"):
        assert browser.get(path, params={"format": "csv"}, headers=seeing).status_code == 200, path
    refused = browser.get("/api/v1/health?format=csv", headers=seeing)
    assert (refused.status_code, refused.json()["error"]["path"]) == (422, "query.format")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/flows?port=x", "/api/v1/flows?x=client", "/api/v1/flows?x=clint=1.1.1.1", "/api/v1/flows?since=never",
        "/api/v1/flows?limit=0", "/api/v1/flows?after=x", "/api/v1/top?by=nobody", "/api/v1/top?limit=999999",
        "/api/v1/histogram?width=1s&since=2000-01-01T00:00:00Z&until=2030-01-01T00:00:00Z",
        "/api/v1/histogram?width=0s", "/api/v1/facets?field=nothing", "/api/v1/trace/nonsense",
        "/api/v1/flows?client=10.0.0.0/99", "/api/v1/flows?format=xml", "/api/v1/flows?since=9999-12-31T23:59:59Z&until=x",
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_said(store, browser, path):
    answer = browser.get(path, headers=bearer(store, "see"))
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["what"]


@pytest.mark.parametrize("name", ["from", "to"])
def test_a_moment_of_the_counts_that_is_none_is_said_with_its_place(store, browser, name):
    asked = {"of": "/flows", "from": "2026-11-28T00:00:00Z", "to": "2026-11-28T01:00:00Z", name: "never"}
    answer = browser.get("/counts", params=asked, headers=bearer(store, "see"))
    assert (answer.status_code, answer.json()["error"]["path"]) == (422, f"query.{name}")


@pytest.mark.parametrize(
    "path", ["/api/v1/flows", "/api/v1/top", "/api/v1/histogram", "/api/v1/facets", "/flows", "/", "/counts?of=/flows"]
)
def test_times_in_the_future_and_wide_ranges_are_answered(store, browser, path):
    for query in ({"since": "2999-01-01T00:00:00Z"}, {"any": "::/0"}, {"client": "0.0.0.0/0"}, {"until": "1970-01-01T00:00:00Z"}):
        answer = browser.get(path, params=query, headers=bearer(store, "see"))
        assert answer.status_code == 200, (query, answer.text)
