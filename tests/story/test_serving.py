"""Access to the real programs: the link that lets one browser in, tokens, TLS, ports that are taken, and a stop in time."""

import json
import socket
import threading

import httpx2
import pytest

from tests.lab.deadline import until
from tests.story.served import LINE, Served, following, unmasq
from tests.story.test_shipping import certificate

ANY_PORT = ("--listen", "127.0.0.1:0")
SECONDS_TO_STOP = 8


@pytest.fixture(params=["serve", "run"])
def served(request, tmp_path):
    more = following(tmp_path) if request.param == "run" else ()
    with Served(tmp_path, request.param, *ANY_PORT, *more) as program:
        yield program


def write(folder, address):
    with (folder / "log").open("a") as log:
        log.write(LINE.format(address))


def token(served: Served, name: str, role: str, *more: str) -> dict[str, str]:
    made = unmasq("token", "add", name, "--role", role, "--store", str(served.store), *more)
    assert made.returncode == 0, made.stderr
    return {"authorization": f"Bearer {made.stdout.strip()}"}


def test_the_link_is_all_that_is_printed_and_lets_one_browser_in(served):
    link = served.link()
    assert link.startswith("http://127.0.0.1:")
    with served.browser() as first, served.browser() as second:
        assert first.get("/").status_code == 401
        come = first.get(link)
        assert (come.status_code, come.headers["location"]) == (303, "/")
        page = first.get("/", headers={"accept": "text/html"})
        assert page.status_code == 200
        assert "<h1" in page.text
        assert second.get(link).status_code == 401
        assert second.get("/").status_code == 401
        [noted] = first.get("/api/v1/audit").json()["entries"]
        assert (noted["who"], noted["role"], noted["path"]) == ("login link", "admin", "/login")
    served.stop()
    assert served.out == link + "\n"
    assert link.partition("token=")[2] not in served.err + (served.store / "audit.jsonl").read_text()


def test_operations_are_asked_of_both(served):
    with served.browser() as asking:
        assert asking.get("/healthz").json() == {"status": "ok"}
        assert asking.get("/readyz").json() == {"status": "ok"}
        assert asking.get("/metrics").status_code == 401
        shown = asking.get("/metrics", headers=token(served, "prometheus", "see")).text
        assert "unmasq_sessions 0.0" in shown
        assert 'unmasq_http_refused_total{reason="token"} 1.0' in shown


def test_a_token_that_is_revoked_ends_its_session(served):
    shown = token(served, "ann", "see")["authorization"].partition(" ")[2]
    with served.browser() as asking:
        assert asking.post("/login", data={"token": shown}).status_code == 303
        assert asking.get("/flows").status_code == 200
        assert unmasq("token", "revoke", "ann", "--store", str(served.store)).returncode == 0
        assert asking.get("/flows").status_code == 401
        assert asking.post("/login", data={"token": shown}).status_code == 401
    said = [json.loads(line) for line in served.err.splitlines() if line.startswith("{")]
    assert [(line["event"], line.get("who"), line["status"]) for line in said] == [
        ("login", "ann", 303), ("refused", None, 401), ("refused", None, 401),
    ]  # fmt: skip


def test_a_token_for_a_while_is_over_by_itself(served):
    shown = token(served, "soon", "see", "--for", "5s")
    with served.browser() as asking:
        assert asking.get("/api/v1/health", headers=shown).status_code == 200
        until(lambda: asking.get("/api/v1/health", headers=shown).status_code == 401, "the token to be over", 20)


def test_what_is_changed_beside_the_server_is_noted_too(served):
    served.link()
    assert unmasq("config", "trust", "add", "edge", "203.0.113.20", "--store", str(served.store)).returncode == 0
    with served.browser() as asking:
        [noted] = asking.get("/api/v1/audit", headers=token(served, "boss", "admin")).json()["entries"]
    assert (noted["who"], noted["path"], noted["status"]) == ("owner's socket", "/api/v1/trust", 200)
    assert "203.0.113.20" in noted["sent"]


def test_a_stream_ends_when_its_token_is_revoked(tmp_path):
    with Served(tmp_path, "run", *ANY_PORT, *following(tmp_path)) as served, served.browser() as asking:
        shown = token(served, "ann", "see")
        with asking.stream("GET", "/flows/live", headers=shown) as stream:
            assert stream.status_code == 200
            lines = stream.iter_lines()
            write(tmp_path, "198.51.100.1")
            assert next(line for line in lines if "198.51.100.1" in line)
            assert unmasq("token", "revoke", "ann", "--store", str(served.store)).returncode == 0
            write(tmp_path, "198.51.100.2")
            assert not any("198.51.100.2" in line for line in lines), "it ends before that"


def test_a_stop_waits_for_nobody(served):
    shown, link = token(served, "ann", "see"), served.link()
    port = int(link.partition("/login")[0].rpartition(":")[2])
    ended = threading.Event()

    def read() -> None:
        with served.browser() as asking, asking.stream("GET", "/flows/live", headers=shown) as stream:
            opened.set()
            try:
                for _ in stream.iter_lines():
                    pass
            except httpx2.TransportError:
                pass  # cut off is as good as ended
        ended.set()

    opened = threading.Event()
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert opened.wait(20)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as stuck:  # its body never comes
        head = "POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n"
        stuck.sendall(head.encode())
        assert served.stop() < SECONDS_TO_STOP
    assert ended.wait(10)
    assert not (served.store / "api.sock").exists()


def test_run_goes_on_without_pages_where_the_usual_address_is_taken(tmp_path):
    try:
        taken = socket.create_server(("127.0.0.1", 8470))
    except OSError:
        taken = socket.socket()  # somebody else has it, which is as good
    with taken, Served(tmp_path, "run", *following(tmp_path)) as served:
        until(lambda: "no pages" in served.err or served.process.poll() is not None, "run to say that there are no pages", 60)
        assert "name another address with --listen" in served.err
        write(tmp_path, "198.51.100.1")
        until(lambda: "198.51.100.1" in unmasq("flows", "--store", str(served.store)).stdout, "the line to be found", 30)
        served.stop()
        assert served.out == ""


def test_run_has_no_port_where_none_is_wanted(tmp_path):
    with Served(tmp_path, "run", "--listen", "none", *following(tmp_path)) as served:
        until(lambda: unmasq("flows", "--store", str(served.store)).returncode == 0, "run to answer", 30)
        served.stop()
        assert served.out == ""
        assert "no pages" not in served.err


@pytest.mark.parametrize("verb", ["serve", "run"])
def test_an_address_that_was_asked_for_must_be_had(tmp_path, verb):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        more = following(tmp_path) if verb == "run" else ()
        ended = unmasq(verb, "--store", str(tmp_path / "store"), "--listen", listen, *more)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "cannot listen on 127.0.0.1 port" in ended.stderr


@pytest.mark.parametrize("verb", ["serve", "run"])
def test_beyond_this_machine_nothing_listens_without_a_token(tmp_path, verb):
    more = following(tmp_path) if verb == "run" else ()
    words = ["--listen", "0.0.0.0:0", "--insecure", "--host", "flows.example", *more]
    ended = unmasq(verb, "--store", str(tmp_path / "store"), *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "nothing listens on 0.0.0.0:0 without a token" in ended.stderr
    assert "unmasq token add NAME --role see" in ended.stderr
    made = unmasq("token", "add", "me", "--role", "see", "--store", str(tmp_path / "store"))
    assert made.returncode == 0, made.stderr
    with Served(tmp_path, verb, *words) as served:
        assert served.link().startswith("http://flows.example:")
        served.stop()


@pytest.mark.needs("tls")
def test_over_tls_the_cookie_belongs_to_this_host_alone(tmp_path):
    cert, key = certificate(tmp_path, "server")
    with Served(tmp_path, "serve", *ANY_PORT, "--tls-cert", str(cert), "--tls-key", str(key)) as served:
        assert served.link().startswith("https://127.0.0.1:")
        with served.browser(cert) as asking:
            come = asking.get(served.link())
            cookie = come.headers["set-cookie"]
            assert cookie.startswith("__Host-unmasq_session=")
            assert {"secure", "httponly", "path=/", "samesite=lax"} <= {word.strip().lower() for word in cookie.split(";")}
            assert "domain" not in cookie.lower()
            assert asking.get("/").status_code == 200
        served.stop()


def test_an_address_of_ipv6_is_in_brackets(tmp_path):
    with Served(tmp_path, "serve", "--listen", "[::1]:0") as served:
        assert served.link().startswith("http://[::1]:")
        with served.browser() as asking:
            assert asking.get(served.link()).status_code == 303
        served.stop()
