"""`unmasq trace`: an answer in the order of what matters, in every form, and never an empty screen."""

import csv
import io
import json

import pytest
from msgspec import structs

from tests.contract import shop
from unmasq.base.clock import SystemClock
from unmasq.find.answer import Direct
from unmasq.keep.duck import DuckStore
from unmasq.model.filter import FlowFilter
from unmasq.report.evidence import parts
from unmasq.serve.contract import body_of
from unmasq.serve.questions import of_files

CONTROL = [chr(code) for code in (*range(32), 127, 0x9B, 0x202E) if chr(code) != "\n"]


def test_a_person_reads_who_by_what_evidence_which_way_and_where_to_stop_it(unmasq, at_rest):
    ended = unmasq("trace", shop.CLIENT, "--store", at_rest, "--utc")
    assert ended.code == 0
    assert ended.err == ""
    lines = ended.out.splitlines()
    assert lines[0].startswith("198.51.100.10   client of 314 requests on 11 connections, 2024-10-04 00:00:00Z to 00:09:00Z, first seen ")
    assert [line.split("  ")[1] for line in lines[1:4]] == ["direct", "forwarded", "only claimed"]
    assert lines[1].endswith("14 requests   seen by the kernel (the proxy logged 10.244.1.1, a translation on node-1)")
    assert lines[2].endswith("300 requests   by edge-lb 203.0.113.20, trusted for x-forwarded-for")
    assert lines[3].endswith("3 requests   written by 198.51.100.9, which is no proxy of yours, in x-forwarded-for")
    assert lines[4] == "paths"
    assert " ".join(lines[5].split()) == "198.51.100.10 --> edge-lb 203.0.113.20 ==> 10.0.0.80:80 300 2xx 300 /login /search"
    assert " ".join(lines[6].split()) == "198.51.100.10 ==> 10.0.0.80:80 (the proxy logged 10.244.1.1) 14 2xx 14 /"
    assert " ".join(lines[7].split()) == "198.51.100.10 ..> 198.51.100.9 ==> 10.0.0.80:80 3 4xx 3"
    assert [line[:8].strip() for line in lines[8:]] == ["near", "look at", "stop it", "", "data", "next"]
    assert lines[-1] == f"next        unmasq flows --client 198.51.100.10 --store {at_rest}"


def test_json_is_the_body_of_the_api(unmasq, at_rest):
    ended = unmasq("trace", shop.CLIENT, "--store", at_rest, "-o", "json")
    with DuckStore(at_rest, read_only=True) as store:
        answer = of_files(store, SystemClock()).trace(shop.CLIENT, FlowFilter())
    assert ended.out.encode() == body_of(answer)
    assert unmasq("trace", shop.CLIENT, "--store", at_rest, "-o", "jsonl").out == ended.out


def test_an_unknown_address_is_told_what_was_searched_and_what_is_near(unmasq, at_rest):
    ended = unmasq("trace", "198.51.100.200", "--store", at_rest, "--utc")
    assert ended.code == 0
    assert "not seen in any header, as a source or as a client" in ended.out
    assert "16 flows from 2024-10-04 00:00:00Z to 00:09:00Z" in ended.out
    assert "near        same /24: 3 other clients" in ended.out
    assert "next        unmasq trace 198.51.100.0/24" in ended.out


def test_an_address_outside_of_the_window_is_said_to_be_there(unmasq, at_rest):
    ended = unmasq("trace", shop.CLIENT, "--store", at_rest, "--last", "1h")
    assert "not seen in this window, but outside of it: last seen" in ended.out
    assert f"next        unmasq trace {shop.CLIENT} --store" in ended.out


def test_an_empty_store_says_so(unmasq, tmp_path):
    with DuckStore(tmp_path / "new"):
        pass
    ended = unmasq("trace", "192.0.2.1", "--store", tmp_path / "new")
    assert "the store holds no flows yet" in ended.out
    assert "data        0 nodes, nothing yet" in ended.out


@pytest.mark.parametrize(("address", "code"), [("198.51.100.200", 3), (shop.CLIENT, 0)])
def test_nothing_found_is_an_exit_code_only_if_asked_for(unmasq, at_rest, address, code):
    assert unmasq("trace", address, "--store", at_rest, "--exit-code").code == code


@pytest.mark.parametrize("written", ["[2001:db8:9:1:aaaa:bbbb:cccc:dddd]:443", "2001:DB8:9:1:AAAA:BBBB:CCCC:DDDD", "2001:db8:9:1::/64"])
def test_an_address_may_be_written_as_it_was_found(unmasq, at_rest, written):
    ended = unmasq("trace", written, "--store", at_rest)
    assert shop.LONG in ended.out


def test_a_proxy_of_ones_own_must_not_be_blocked(unmasq, at_rest):
    ended = unmasq("trace", shop.EDGE, "--store", at_rest)
    assert "your proxy edge-lb, source of 309 requests" in ended.out
    assert "do not block it: it is edge-lb, a proxy of yours" in ended.out


def test_an_undeclared_proxy_is_called_what_it_looks_like(unmasq, at_rest):
    ended = unmasq("trace", shop.UNDECLARED, "--store", at_rest)
    assert "192.0.2.50 looks like a proxy that you have not declared (39 claims); do not block it" in ended.out
    assert "unmasq config trust add NAME 192.0.2.50" in ended.out


def test_what_an_undeclared_proxy_wrote_is_told_with_that_proxy(unmasq, at_rest):
    ended = unmasq("trace", "100.64.0.7", "--store", at_rest)
    assert "look at     192.0.2.50 looks like a proxy that you have not declared (39 claims); do not block it before you know" in ended.out


def test_a_client_that_is_alone_behind_a_proxy_is_told(unmasq, at_rest):
    ended = unmasq("trace", shop.CLIENT, "--store", at_rest)
    assert "198.51.100.10 has 99.3 % of the 302 requests that edge-lb forwarded: it is probably a proxy itself" in ended.out


def test_a_claim_alone_is_never_called_a_client(unmasq, at_rest):
    ended = unmasq("trace", "100.64.0.7", "--store", at_rest)
    assert "only claimed, in 1 request on 1 connection" in ended.out
    assert "client of" not in ended.out
    assert "blocking it punishes the innocent" in ended.out


@pytest.mark.parametrize("output", ["table", "md", "json", "csv"])
def test_what_clients_wrote_is_inert_in_every_form(unmasq, at_rest, output):
    ended = unmasq("trace", "198.51.100.77", "--store", at_rest, "-o", output)
    assert ended.code == 0
    assert not [mark for mark in CONTROL if mark in ended.out]


def test_markdown_has_no_markup_but_ours(unmasq, at_rest):
    ended = unmasq("trace", "198.51.100.77", "--store", at_rest, "-o", "md")
    row = next(line for line in ended.out.splitlines() if line.startswith("| 198.51.100.77"))
    assert row.replace("\\|", "").count("|") == 5
    assert "\\<b\\>\\`\\[a\\](b)" in row


def test_a_list_has_one_line_for_each_address_found_or_not(unmasq, at_rest, tmp_path):
    listed = tmp_path / "list"
    listed.write_text(f"# a comment\n{shop.CLIENT}  # the one\n\njunk\x1b[31m\n[{shop.LONG}]:443\n198.51.100.200\n")
    ended = unmasq("trace", "--from-file", listed, "--store", at_rest, "--utc")
    assert [line.split()[0] for line in ended.out.splitlines()] == [shop.CLIENT, shop.LONG, "198.51.100.200"]
    assert "not seen" in ended.out.splitlines()[2]
    assert ended.err.splitlines()[0] == f"{listed}:4: not an address or range: junk\\x1b[31m"
    assert ended.code == 5


def test_a_list_comes_from_standard_input_too(unmasq, at_rest, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("198.51.100.200\n198.51.100.201\n"))
    ended = unmasq("trace", "--from-file", "-", "--store", at_rest, "--exit-code", "-o", "json")
    assert [trace["found"] for trace in json.loads(ended.out)["traces"]] == [False, False]
    assert ended.code == 3


def test_a_list_as_csv_has_a_row_for_each_address(unmasq, at_rest, tmp_path):
    (tmp_path / "list").write_text(f"{shop.CLIENT}\n198.51.100.200\n")
    rows = list(csv.DictReader(io.StringIO(unmasq("trace", "--from-file", tmp_path / "list", "--store", at_rest, "-o", "csv").out)))
    assert [(row["address"], row["found"], row["client_requests"], row["only_claimed"]) for row in rows] == [
        (shop.CLIENT, "yes", "314", "3"),
        ("198.51.100.200", "no", "0", "0"),
    ]


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        ((), "trace which address?"),
        (("192.0.2.1", "--from-file", "x"), "trace which address?"),
        (("no-address",), "not an address or range: 'no-address'"),
        (("192.0.2.1", "--since", "1h", "--last", "1h"), "both say when to begin"),
        (("192.0.2.1", "--last", "soon"), "not a length of time: 'soon'"),
    ],
)
def test_wrong_use_says_what_why_and_what_next(unmasq, at_rest, tokens, sentence):
    ended = unmasq("trace", *tokens, "--store", at_rest)
    assert ended.code == 2
    assert ended.out == ""
    assert sentence in ended.err
    assert "  next: " in ended.err


def test_a_list_that_cannot_be_read_is_no_traceback(unmasq, at_rest, tmp_path):
    ended = unmasq("trace", "--from-file", tmp_path / "none", "--store", at_rest)
    assert (ended.code, ended.out) == (1, "")
    assert "cannot read the list" in ended.err


def test_what_the_kernels_of_several_nodes_saw_is_one_line_that_names_them(at_rest):
    with DuckStore(at_rest, read_only=True) as store:
        answer = of_files(store, SystemClock()).trace(shop.CLIENT, FlowFilter())
    seen = [Direct(70, "kernel", None, "node-1"), Direct(70, "kernel", None, "node-2"), Direct(3, "socket", None, "node-1")]
    translated = [Direct(200, "kernel", "10.0.0.1", "node-3")]
    direct = [part for part in parts(structs.replace(answer, direct=seen + translated)) if part.kind == "direct"]
    assert [(part.requests, part.detail) for part in direct] == [
        (200, "seen by the kernel (the proxy logged 10.0.0.1, a translation on node-3)"),
        (140, "seen by the kernel on node-1 and node-2"),
        (3, "seen by the proxy's socket"),
    ]
    many = [Direct(1, "kernel", None, f"node-{number}") for number in range(9)]
    assert parts(structs.replace(answer, direct=many))[0].detail == "seen by the kernel on 9 nodes"


def test_an_address_that_was_not_found_may_have_been_there_where_data_is_missing(unmasq, at_rest):
    found, unknown = (unmasq("trace", address, "--store", at_rest, "--utc").out for address in (shop.CLIENT, "198.51.100.200"))
    assert "this may be incomplete: Nothing at all came since 2024-10-04 00:09:00Z" in unknown
    assert "this may be incomplete" not in found
    ticket = unmasq("trace", "198.51.100.200", "--store", at_rest, "-o", "md").out
    assert "- data: this may be incomplete: Nothing at all came since" in ticket
    told = json.loads(unmasq("trace", shop.CLIENT, "--store", at_rest, "-o", "json").out)["completeness"]
    assert (told["nodes"], told["rejects"]) == (1, {"injected": 3})


@pytest.mark.parametrize(("form", "notes"), [("table", 1), ("md", 1), ("csv", 1), ("json", 0), ("jsonl", 0)])
def test_of_a_list_it_is_said_once_what_may_be_missing(unmasq, at_rest, tmp_path, form, notes):
    (tmp_path / "list").write_text(f"{shop.CLIENT}\n198.51.100.200\n")
    ended = unmasq("trace", "--from-file", str(tmp_path / "list"), "--store", at_rest, "-o", form)
    assert ended.err.count("data: Nothing at all came since") == notes
    assert "Nothing at all" not in ended.out or form in ("json", "jsonl")
