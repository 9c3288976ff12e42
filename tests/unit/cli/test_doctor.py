"""`unmasq doctor` where nothing runs: a store at rest, and the kernel without a store."""

import json

import pytest

from unmasq.observe import switches


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
def test_the_kernel_alone_is_told_in_the_form_of_a_store(unmasq, monkeypatch, on, code, state):
    monkeypatch.delenv("UNMASQ_STORE", raising=False)
    monkeypatch.setattr(switches, "state", lambda _: switches.Switches(on, True, True, True))
    monkeypatch.setattr(switches, "table_use", lambda _: (7, 1000))
    ended = unmasq("doctor", "-o", "json")
    checks = json.loads(ended.out)["checks"]
    assert (ended.code, checks[0]["link"], checks[0]["state"]) == (code, "kernel", state)
    assert checks[1]["seen"] == "7 of 1,000 connections tracked"
    assert ("first broken link is: kernel" in unmasq("doctor").out) is not on
