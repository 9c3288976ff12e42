"""What each proxy of the JSON family says in one line, key by key."""

import json

import pytest

from unmasq.model.ingress import Reject, Shape
from unmasq.read.formats.captures import UNTOLD
from unmasq.read.formats.objects import DEEPEST, parts, raw, read_object
from unmasq.read.formats.record import read_record
from unmasq.read.formats.times import moment_us

ENVOY = {
    "source_ip": "203.0.113.20",
    "source_port": 36764,
    "destination_ip": "10.244.1.10",
    "destination_port": 10002,
    "downstream_remote_ip": "203.0.113.20",
    "downstream_remote_port": 36764,
    "x-forwarded-for": "198.51.100.7,203.0.113.20",
}


def fields(told):
    return read_record(json.dumps(told).encode()).fields


ENVOYS = {
    "its own append goes": ({}, {"x-forwarded-for": b"198.51.100.7", "proxy_protocol_ip": b""}),
    "of two only one goes": ({"x-forwarded-for": "203.0.113.20,203.0.113.20"}, {"x-forwarded-for": b"203.0.113.20"}),
    "what another appended stays": ({"x-forwarded-for": "198.51.100.7,1.1.1.1"}, {"x-forwarded-for": b"198.51.100.7,1.1.1.1"}),
    "another form of the address": ({"x-forwarded-for": "1.1.1.1, ::ffff:203.0.113.20"}, {"x-forwarded-for": b"1.1.1.1"}),
    "no header": ({"x-forwarded-for": None}, {"x-forwarded-for": b""}),
    "a PROXY header": (
        {"downstream_remote_ip": "8.8.8.8", "downstream_remote_port": 1111, "x-forwarded-for": "6.6.6.6,8.8.8.8"},
        {"source_ip": b"203.0.113.20", "proxy_protocol_ip": b"8.8.8.8", "x-forwarded-for": b"6.6.6.6"},
    ),
    "a PROXY header and the peer as the last element": (
        {"downstream_remote_ip": "8.8.8.8", "downstream_remote_port": 1111},
        {"proxy_protocol_ip": b"8.8.8.8", "x-forwarded-for": b"198.51.100.7,203.0.113.20"},
    ),
    "taken from X-Forwarded-For": (
        {"downstream_remote_ip": "198.51.100.7", "downstream_remote_port": 0},
        {"source_ip": b"203.0.113.20", "x-forwarded-for": b"198.51.100.7", "proxy_protocol_ip": None},
    ),
    "the first line of Forwarded": ({"forwarded": "for=6.6.6.6"}, {"forwarded": b"for=6.6.6.6", "captured": b"forwarded:0"}),
    "an empty first line of it": ({"forwarded": ""}, {"forwarded": b"", "captured": b"forwarded:0"}),
    "no line of it": ({"forwarded": None}, {"forwarded": b"", "captured": None}),
    "HTTP/3": ({"protocol": "HTTP/3"}, {"protocol": b"udp"}),
    "HTTP/2": ({"protocol": "HTTP/2"}, {"protocol": None}),
}


@pytest.mark.parametrize(("method", "captured"), [("GET", None), (None, UNTOLD)])
def test_no_header_is_known_of_a_request_that_envoy_refused(method, captured):
    assert fields(ENVOY | {"method": method, "path": None, "authority": None}).get("captured") == captured


LOOPBACK = {"source_ip": "127.0.0.1", "downstream_remote_ip": "127.0.0.1", "destination_ip": "127.0.0.1"}


@pytest.mark.parametrize(
    ("told", "forwarded", "captured"),
    [
        ({"x-forwarded-for": "8.8.8.8:5678,192.0.2.2"}, b"8.8.8.8:5678,192.0.2.2", b"x-forwarded-for:0"),
        ({"x-forwarded-for": "192.0.2.2", "forwarded": "for=6.6.6.6"}, b"192.0.2.2", b"x-forwarded-for:0;forwarded:0"),
        ({"x-forwarded-for": "8.8.8.8,127.0.0.1"}, b"8.8.8.8", None),
        ({"x-forwarded-for": "8.8.8.8,192.0.2.2", "destination_ip": "192.0.2.2"}, b"8.8.8.8", None),
        ({"x-forwarded-for": None}, b"", None),
    ],
)
def test_what_envoy_appends_for_a_loopback_peer_names_no_client(told, forwarded, captured):
    found = fields(ENVOY | LOOPBACK | told)
    assert (found["x-forwarded-for"], found.get("captured")) == (forwarded, captured)


@pytest.mark.parametrize(("told", "expected"), ENVOYS.values(), ids=ENVOYS)
def test_envoy_by_our_keys(told, expected):
    found = fields(ENVOY | told)
    assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("remote", "destination"), [(("203.0.113.20", 36764), b"10.244.1.10"), (("8.8.8.8", 1111), None), (("8.8.8.8", 0), None)]
)
def test_the_local_address_is_the_sockets_unless_there_was_a_proxy_header(remote, destination):
    told = {key: value for key, value in ENVOY.items() if not key.startswith("destination")}
    told |= {"downstream_local_ip": "10.244.1.10", "downstream_local_port": 80}
    found = fields(told | {"downstream_remote_ip": remote[0], "downstream_remote_port": remote[1]})
    assert found.get("destination_ip") == destination


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("[2001:db8::7]:4711", {"source_ip": b"2001:db8::7", "source_port": b"4711", "destination_port": b"443", "logged": b"2001:db8::7"}),
        ("198.51.100.7:0", {"source_ip": None, "rewritten": b"198.51.100.7", "destination_ip": None}),
    ],
)
def test_envoy_by_default_keys(remote, expected):
    found = fields({"downstream_remote_address": remote, "downstream_local_address": "10.0.0.1:443", "x_forwarded_for": "1.1.1.1"})
    assert {key: found.get(key) for key in expected} == expected
    assert found["x-forwarded-for"] == b"1.1.1.1"


@pytest.mark.parametrize(("real", "expected"), [("198.51.100.7", None), ("2.2.2.2", b"2.2.2.2")])
def test_a_real_ip_that_traefik_set_itself_says_nothing(real, expected):
    told = {"ClientAddr": "198.51.100.7:4711", "request_X-Real-Ip": real, "request_x-forwarded-for": "1.1.1.1"}
    found = fields(told)
    assert (found["source_ip"], found["source_port"], found.get("x-real-ip")) == (b"198.51.100.7", b"4711", expected)
    assert (found["x-forwarded-for"], "destination_ip" in found) == (b"1.1.1.1", False)


def test_a_header_that_traefik_does_not_have_counts_as_not_recorded():
    assert "x-forwarded-for" not in fields({"ClientAddr": "[2001:db8::7]:4711", "request_User-Agent": "curl"})


def test_the_lines_of_a_header_are_one_list_in_caddy():
    request = {"remote_ip": "198.51.100.7", "remote_port": "4711", "headers": {"X-Forwarded-For": ["1.1.1.1", "2.2.2.2"]}}
    found = fields({"ts": 1795822484.3237925, "request": request, "status": 200})
    assert (found["x-forwarded-for"], found["x-real-ip"], found["ts"]) == (b"1.1.1.1, 2.2.2.2", b"", b"1795822484.3237925")


CADDY_REQUEST = {"remote_ip": "198.51.100.7", "remote_port": "4711", "headers": {}}


@pytest.mark.parametrize(
    ("told", "shape"),
    [
        ({}, Shape.CADDY),
        ({"logger": "http.log.access", "msg": "handled request"}, Shape.CADDY),
        ({"logger": "http.log.access.log0", "msg": "handled request"}, Shape.CADDY),
        ({"logger": "mine", "msg": "handled request"}, Shape.CADDY),
        ({"level": "error", "logger": "http.log.error", "msg": "dial tcp 127.0.0.1:1: connect: connection refused"}, Shape.NONE),
        ({"level": "error", "logger": "http.log.error.log0", "msg": "EOF"}, Shape.NONE),
        ({"level": "debug", "logger": "http.handlers.reverse_proxy", "msg": "upstream roundtrip"}, Shape.NONE),
    ],
)
def test_a_request_that_failed_in_caddy_is_counted_once(told, shape):
    record = read_record(json.dumps(told | {"request": CADDY_REQUEST}).encode())
    assert (record.shape, record.reject) == (shape, Reject.NONE if shape else Reject.NO_ADDRESS)


def test_headers_that_caddy_did_not_record_at_all_are_not_recorded():
    assert "x-forwarded-for" not in fields({"request": {"remote_ip": "198.51.100.7", "remote_port": "4711"}})


def test_caddy_before_it_told_the_port_apart():
    found = fields({"request": {"remote_addr": "[2001:db8::7]:4711", "headers": {}}})
    assert (found["source_ip"], found["source_port"]) == (b"2001:db8::7", b"4711")


@pytest.mark.parametrize(
    ("raw_time", "expected"),
    [
        (b"2026-11-22T10:50:51.058057227Z", 1795344651_058057),
        (b"2026-11-22T10:50:51Z", 1795344651_000000),
        (b"2026-11-22T11:50:51.5+01:00", 1795344651_500000),
        (b"1795344651.0580572", 1795344651_058057),
        (b"1795344651", 1795344651_000000),
        (b"2026-11-22T10:50:51", -1),
        (b"2026-11-22T25:50:51Z", -1),
        (b"2026-11-22T10:50:51.\xffZ", -1),
        (b"1e9", -1),
        (b"", -1),
    ],
)
def test_a_moment_in_either_form(raw_time, expected):
    assert moment_us(raw_time) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (b"1.2.3.4:80", (b"1.2.3.4", b"80")),
        (b"[::1]:80", (b"::1", b"80")),
        (b"::1", (b"::1", b"")),
        (b"1.2.3.4", (b"1.2.3.4", b"")),
        (b"/run/socket", (b"/run/socket", b"")),
        (b"-", (b"-", b"")),
    ],
)
def test_address_and_port(address, expected):
    assert parts(address) == expected


def test_escapes_of_bytes_come_back_as_bytes():
    values = read_object(
        rb'{"bytes": "\u00c3\u00a9\u00ff", "literal": "\\u00ff", "text": "' + "é".encode() + rb'", "half": "\ud800"}'
    ).values
    assert [raw(value) for value in values.values()] == [b"\xc3\xa9\xff", b"\\u00ff", "é".encode(), b"\\ud800"]


def test_an_object_may_be_as_deep_as_a_proxy_writes_it_and_no_deeper():
    assert not read_object(b'{"a":' * (DEEPEST - 1) + b"1" + b"}" * (DEEPEST - 1)).reject
    assert read_object(b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST).reject


TRAEFIK = {"ClientAddr": "198.51.100.10:4711", "StartUTC": "2026-11-27T23:39:50.702809044Z"}


@pytest.mark.parametrize(
    ("duration", "ended"),
    [({"Duration": 180_000_000_000}, "2026-11-27T23:42:50.702809Z"), ({}, TRAEFIK["StartUTC"]), ({"Duration": -1}, TRAEFIK["StartUTC"])],
)
def test_the_time_of_a_request_in_traefik_is_when_it_was_over(duration, ended):
    assert moment_us(fields(TRAEFIK | duration)["ts"]) == moment_us(ended.encode())
