"""`unmasq top`, and the verbs that ask a server elsewhere."""

import csv
import io
import json

import pytest

from tests.contract import shop
from tests.unit.cli.served import serving
from unmasq.base.errors import UsageError


@pytest.fixture(scope="module")
def server(at_rest, tmp_path_factory):
    token = tmp_path_factory.mktemp("token") / "token"
    token.write_text("secret\n")
    token.chmod(0o600)
    with serving(at_rest) as url:
        yield "--server", url, "--token-file", token


def test_a_ranking_as_a_table(unmasq, at_rest):
    ended = unmasq("top", "--store", at_rest, "--limit", 2, "--since", "2024-10-04T00:06")
    head, first, second, total = ended.out.splitlines()
    assert head.split()[:3] == ["ADDRESS", "REQUESTS", "SHARE"]
    assert first.split()[:3] == [shop.CLIENT, "120", "74.5"]
    assert first.endswith("Z")
    assert second.split()[0] == shop.UNDECLARED
    assert second.endswith("  new")
    assert total == "161 requests of 3 addresses"


def test_a_ranking_in_every_other_form(unmasq, at_rest):
    asked = ("top", "--store", at_rest, "--by", "claim", "--client", shop.CLIENT)
    found = json.loads(unmasq(*asked, "-o", "json").out)
    assert (found["by"], found["ranked"][0]["ip"]) == ("claim", shop.CLIENT)
    assert [json.loads(line) for line in unmasq(*asked, "-o", "jsonl").out.splitlines()] == found["ranked"]
    rows = list(csv.DictReader(io.StringIO(unmasq(*asked, "-o", "csv").out)))
    assert [(row["address"], int(row["requests"]), row["new"]) for row in rows] == [
        (each["ip"], each["requests"], "no") for each in found["ranked"]
    ]


def test_only_new_ones_need_a_beginning(unmasq, at_rest):
    ended = unmasq("top", "--store", at_rest, "--new")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "new since when?")
    assert unmasq("top", "--store", at_rest, "--new", "--since", "2024-10-04T00:08", "--exit-code").code == 3


def test_what_is_left_out_is_left_out(unmasq, at_rest):
    ended = unmasq("top", "--store", at_rest, "-x", f"client={shop.CLIENT}", "-x", "status=4xx", "-o", "json")
    assert shop.CLIENT not in {each["ip"] for each in json.loads(ended.out)["ranked"]}
    assert unmasq("flows", "--store", at_rest, "-x", "status=abc").code == 2
    assert "did you mean client?" in unmasq("top", "--store", at_rest, "-x", "clint=10.0.0.1").err


@pytest.mark.parametrize("asked", [("top",), ("flows", "--limit", 3), ("trace", shop.CLIENT)])
def test_a_server_answers_as_the_files_do(unmasq, at_rest, server, asked):
    assert unmasq(*asked, *server, "-o", "json").out == unmasq(*asked, "--store", at_rest, "-o", "json").out


def test_the_next_command_asks_the_same_server(unmasq, server):
    assert f"--server {server[1]} --token-file {server[3]}" in unmasq("trace", shop.CLIENT, *server).out


def test_flows_of_a_server_are_followed(unmasq, server, monkeypatch):
    def stopped(_seconds):
        raise UsageError("stopped")

    monkeypatch.setattr("unmasq.cli.follow.time.sleep", stopped)
    ended = unmasq("flows", "-f", *server, "-o", "jsonl", "--limit", 4)
    assert (ended.code, ended.err.strip()) == (2, "stopped")
    assert len(ended.out.splitlines()) == 4


@pytest.mark.parametrize("verb", [("top",), ("flows",), ("trace", "1.1.1.1")])
def test_nobody_or_two_to_ask(unmasq, at_rest, verb):
    assert "which store?" in unmasq(*verb).err
    both = unmasq(*verb, "--store", at_rest, "--server", "http://127.0.0.1:1")
    assert (both.code, both.err.splitlines()[0]) == (2, "whom to ask?")
    assert "with which token?" in unmasq(*verb, "--server", "http://127.0.0.1:1").err
