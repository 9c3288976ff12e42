"""`unmasq rejudge`: trust that came later holds for what was there before."""

import json

from tests.contract import shop
from unmasq.cli.rejudge import Progress


def test_a_client_appears_once_its_proxy_is_trusted(unmasq, tmp_path):
    store = shop.make_store(tmp_path / "store")
    assert json.loads(unmasq("trace", "100.64.0.7", "--store", store, "-o", "json").out)["forwarded"] == []
    unmasq("config", "trust", "add", "late-lb", shop.UNDECLARED, "--store", store)
    seen = unmasq("trace", "100.64.0.7", "--store", store)
    assert "16 flows by an older one: unmasq rejudge" in seen.out
    ended = unmasq("rejudge", "--store", store)
    assert (ended.code, ended.out, ended.err) == (0, "judged 16 flows on 1 day by trust list 2\n", "")
    found = json.loads(unmasq("trace", "100.64.0.7", "--store", store, "-o", "json").out)
    assert [(part["requests"], part["name"]) for part in found["forwarded"]] == [(1, "late-lb")]
    assert found["data"]["judged_by_older"] == 0


def test_json(unmasq, tmp_path):
    store = shop.make_store(tmp_path / "store")
    ended = unmasq("rejudge", "--store", store, "--since", "2030-01-01", "-o", "json")
    assert json.loads(ended.out) == {"flows": 0, "days": 0, "trust_version": 1}


def test_progress_is_for_terminals_and_for_what_takes_long(capsys, monkeypatch):
    progress = Progress()
    progress.tell(1, 3)
    progress.end()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("unmasq.cli.rejudge._PATIENCE_SECONDS", -1)
    patient = Progress()
    patient.tell(1, 3)
    patient.end()
    assert capsys.readouterr().err == "\r1 of 3 days judged\n"
