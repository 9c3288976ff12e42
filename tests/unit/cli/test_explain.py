"""`unmasq explain`: what it prints can steer no terminal."""

import json

import pytest

ENVOY = {"source_ip": "192.0.2.1", "source_port": 1, "downstream_remote_ip": "192.0.2.1", "x-forwarded-for": "1.1.1.1,192.0.2.1"}
PLAIN = '192.0.2.1 - - [24/Nov/2026:10:59:00 +0000] "GET / HTTP/1.1" 200 1 "-" "curl"'
MARKED = 'unmasq: {"source_port": 1, "destination_ip": "10.0.0.1", "destination_port": 80, "source_ip": "192.0.2.1"}'
LINES = (json.dumps(ENVOY), PLAIN, f"{PLAIN} {MARKED}", '{"ClientAddr":"192.0.2.1:1"}', '{"a": 1}', "")


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log"
    path.write_text("".join(f"{line}\n" for line in LINES))
    return path


def test_each_line_says_which_format_took_it_and_why(unmasq, log):
    told = [json.loads(line) for line in unmasq("explain", "--input", log, "-o", "jsonl").out.splitlines()]
    assert [line["format"] for line in told] == ["envoy", "combined", "marker", "traefik", None, None]
    assert [line["told_by"] for line in told] == [
        "it is one JSON object with source_ip",
        "it has no marker, and begins with an address, a time and a request",
        "it has our marker behind the combined format",
        "it is one JSON object with ClientAddr",
        "no marker, no object and no beginning that we know",
        "no marker, no object and no beginning that we know",
    ]
    text = unmasq("explain", "--input", log).out
    assert "line 1\n  read as envoy: it is one JSON object with source_ip\n" in text
    assert "only claimed by x-forwarded-for: 1.1.1.1" in text
    assert "the line was rejected: no_address, no address to speak of" in text


@pytest.mark.parametrize(
    ("name", "taken"), [("auto", 4), ("envoy", 1), ("nginx", 2), ("ingress-nginx", 1), ("traefik", 1), ("caddy", 0), ("haproxy", 1)]
)
def test_a_named_proxy_takes_its_own_lines_alone(unmasq, log, tmp_path, name, taken):
    told = [json.loads(line) for line in unmasq("explain", "--input", log, "--format", name, "-o", "jsonl").out.splitlines()]
    assert [line["reject"] for line in told].count("other_format") == 4 - taken
    ended = unmasq("run", "--once", "--input", log, "--format", name, "--store", tmp_path / "store")
    assert (f"{4 - taken} other_format" in ended.err) == (taken < 4), ended.err


def test_a_program_gets_the_headers_without_characters_that_steer_a_terminal(unmasq, tmp_path):
    hostile = "\x9b31m\u202e\x7f"
    payload = {"source_port": 1, "destination_ip": "10.0.0.1", "destination_port": 80, "source_ip": "192.0.2.1"}
    payload |= {"x-forwarded-for": hostile, "x-real-ip": "-"}
    log = tmp_path / "log"
    log.write_text(f"unmasq: {json.dumps(payload, ensure_ascii=False)}\n")
    ended = unmasq("explain", "--input", str(log), "-o", "jsonl")
    assert not set(hostile) & set(ended.out) - set("31m")
    assert json.loads(ended.out)["claims"][0]["raw"] == hostile
