"""`unmasq doctor` where nothing runs: a store at rest, the kernel without a store, and the place of a collector."""

import json
from functools import partial
from types import SimpleNamespace
from typing import cast

import pytest
from msgspec import structs

from unmasq.cli import doctor_test
from unmasq.cli.doctor_sides import AtServer
from unmasq.keep.shapes import Health
from unmasq.node.collector import settings
from unmasq.observe import namespace, switches
from unmasq.serve.protocol import Backend

PLACES = ("UNMASQ_STORE", "UNMASQ_SPOOL", "FELIX_DIAL_TARGET", "INGRESS_LOG_PATH", "KUBERNETES_SERVICE_HOST")


@pytest.fixture
def nowhere(monkeypatch):
    """No place is named by the environment, and the kernel is well."""
    for name in PLACES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(switches, "state", lambda _: switches.Switches(True, True, True, True))
    monkeypatch.setattr(switches, "table_use", lambda _: (7, 1000))


def links(ended):
    """Each check's state by its link, in their order."""
    return {check["link"]: check["state"] for check in json.loads(ended.out)["checks"]}


@pytest.mark.parametrize("empty", ["", " ", "0"])
def test_an_empty_variable_names_no_collector(unmasq, nowhere, monkeypatch, at_rest, empty):
    monkeypatch.setenv("FELIX_DIAL_TARGET", empty)
    monkeypatch.setenv("INGRESS_LOG_PATH", empty)
    assert links(unmasq("doctor", "-o", "json")) == {"kernel": "ok", "table": "ok"}
    assert "socket" not in links(unmasq("doctor", "--store", at_rest, "-o", "json"))


@pytest.mark.parametrize("name", ["FELIX_DIAL_TARGET", "INGRESS_LOG_PATH"])
def test_where_a_variable_of_a_collector_is_set_both_its_log_and_its_socket_must_be(unmasq, nowhere, monkeypatch, tmp_path, name):
    monkeypatch.setenv(name, f"{tmp_path}/named")
    for named in ((), ("--socket", f"{tmp_path}/named")):
        ended = unmasq("doctor", "-o", "json", *named)
        assert (ended.code, links(ended)) == (1, {"log": "broken", "socket": "broken"})
    seen = [check["seen"] for check in json.loads(unmasq("doctor", "-o", "json").out)["checks"]]
    why = "No such file or directory"
    log = f"{tmp_path}/named" if name == "INGRESS_LOG_PATH" else "/var/log/calico/ingress/ingress.log"
    target = f"{tmp_path}/named" if name == "FELIX_DIAL_TARGET" else "/var/run/felix/nodeagent/socket"
    assert seen == [f"{log} cannot be read: {why}", f"nobody listens on {target}: {why}"]


@pytest.mark.parametrize("mounted", ["log", "felix"])
def test_a_collector_that_has_all_by_default_is_known_by_what_is_mounted(unmasq, nowhere, monkeypatch, tmp_path, mounted):
    default = partial(settings.CollectorSettings, path=f"{tmp_path}/log/ingress.log", target=f"{tmp_path}/felix/socket")
    monkeypatch.setattr(settings, "CollectorSettings", default)
    assert links(unmasq("doctor", "-o", "json")) == {"kernel": "ok", "table": "ok"}
    (tmp_path / mounted).mkdir()
    assert links(unmasq("doctor", "-o", "json")) == {"log": "broken", "socket": "broken"}


def test_a_socket_that_is_only_named_wants_no_log(unmasq, nowhere, tmp_path):
    assert links(unmasq("doctor", "--socket", tmp_path / "socket", "-o", "json")) == {"socket": "broken"}


@pytest.mark.parametrize("is_host", [True, False])
def test_in_a_pod_with_a_network_of_its_own_nobody_is_told_to_set_switches(unmasq, nowhere, monkeypatch, tmp_path, is_host):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setattr(namespace, "HOSTS_OWN", tmp_path if is_host else tmp_path / "none")
    monkeypatch.setattr(switches, "state", lambda _: switches.Switches(False, True, True, True))
    monkeypatch.setattr("unmasq.observe.dataplane.known_by", lambda _: None)
    ended = unmasq("doctor")
    assert (ended.code, "--set-switches" in ended.out, "this is a pod" in ended.out) == (int(is_host), is_host, not is_host)


def test_a_store_at_rest_is_not_broken_and_says_what_it_holds(unmasq, at_rest):
    ended = unmasq("doctor", "--store", at_rest)
    assert (ended.code, "BROKEN" in ended.out) == (0, False)
    assert "is at rest: nobody fills it now" in ended.out
    assert "16 flows of " in ended.out
    assert "2024-10-04" in ended.out
    assert "1 nodes" not in ended.out


def test_proxies_that_are_not_declared_and_not_rightly_declared_are_pointed_at(unmasq, at_rest):
    out = unmasq("doctor", "--store", at_rest).out
    assert "look    trust      192.0.2.50 (39 claims) looks like a proxy that you have not declared" in out
    assert "next: do not block what is yours; declare it: unmasq config trust add NAME 192.0.2.50" in out
    assert "look    trust      198.51.100.10 has 99.3 % of the 302 requests that edge-lb forwarded" in out


@pytest.mark.parametrize(("on", "code", "state"), [(True, 0, "ok"), (False, 1, "broken")])
def test_the_kernel_alone_is_told_in_the_form_of_a_store(unmasq, nowhere, monkeypatch, on, code, state):
    monkeypatch.setattr(switches, "state", lambda _: switches.Switches(on, True, True, True))
    ended = unmasq("doctor", "-o", "json")
    checks = json.loads(ended.out)["checks"]
    assert (ended.code, checks[0]["link"], checks[0]["state"]) == (code, "kernel", state)
    assert checks[1]["seen"] == "7 of 1,000 connections tracked"
    assert ("first broken link is: kernel" in unmasq("doctor").out) is not on


@pytest.mark.parametrize(("given", "seconds"), [((), "200"), (("--timeout-seconds", "5"), "5")])
def test_who_waits_for_a_test_is_told_at_once_for_what_and_how_long(unmasq, monkeypatch, tmp_path, given, seconds):
    (tmp_path / "token").write_text("unmasq_x")
    monkeypatch.setattr(doctor_test, "run", lambda *_: 0)
    ended = unmasq("doctor", "--test", "http://x/", "--server", "http://127.0.0.1:1", "--token-file", tmp_path / "token", *given)
    assert ended.err.startswith(f"waiting up to {seconds} s for the flow of each request to be at the server: a node sends it when")


HELD = Health(1, 5, 2_000_000, 1, 5, 5, {}, 1, 0)


@pytest.mark.parametrize(
    ("seconds", "rejects", "link", "is_why"),
    [(70, {}, "shipped", True), (71, {}, "shipped", False), (1, {"bad_json": 1}, "marker", False)],
)
def test_a_wait_that_is_too_short_is_said_to_be_why_nothing_came(seconds, rejects, link, is_why):
    answers = iter([HELD, structs.replace(HELD, rejects=rejects)])
    server = AtServer(cast(Backend, SimpleNamespace(health=lambda: next(answers))), seconds)
    broken = server.broken(None)
    assert broken is not None
    assert (broken[0], f"--timeout-seconds {seconds} may be shorter" in broken[1]) == (link, is_why)
