"""One line, read the plain way."""

import json

import pytest

from unmasq.model.ingress import Chunk, FileIdentity, Reject, Shape
from unmasq.model.native import NATIVE
from unmasq.read.formats.captures import SENT, UNTOLD
from unmasq.read.formats.lines import LineReader
from unmasq.read.formats.record import read_record
from unmasq.unwind.trust import HEADERS
from unmasq.unwind.walk import read_headers

COMBINED = '6.6.6.6 - - [24/Nov/2026:10:59:00 +0000] "GET {uri} HTTP/1.1" 200 1 "-" "{agent}"'
MARKER = "tigera_secure_ee_ingress: "


@pytest.mark.parametrize("value", [MARKER, MARKER + r"{\x22a\x22: 1}", MARKER.strip(), "unmasq: x"])
@pytest.mark.parametrize("field", ["uri", "agent"])
def test_nobody_hides_in_a_log_without_our_marker_by_sending_one(value, field):
    line = COMBINED.format(**({"uri": "/", "agent": "curl"} | {field: value.replace(" ", "") if field == "uri" else value}))
    record = read_record(line.encode())
    assert (record.reject, record.fields["prefix"]) == (Reject.NONE, b"6.6.6.6")
    assert "source_ip" not in record.fields


def test_a_line_that_was_cut_behind_its_marker_is_no_line_without_one():
    record = read_record((COMBINED.format(uri="/", agent="curl") + " " + MARKER).encode())
    assert record.reject is Reject.NO_PAYLOAD


@pytest.mark.parametrize("before", ["haproxy: ", "haproxy[77]: ", "2026-11-27T10:00:00+00:00 router-default-x haproxy[77]: "])
def test_a_line_of_haproxy_that_does_not_say_what_it_captured_captured_parts(before):
    payload = 'unmasq: {"source_ip": "192.0.2.7", "x-forwarded-for": "1.1.1.1"}'
    assert read_record((before + payload).encode()).fields["captured"] == UNTOLD
    said = payload.replace("}", ', "captured": "x-forwarded-for:64"}')
    assert read_record((before + said).encode()).fields["captured"] == b"x-forwarded-for:64"
    assert "captured" not in read_record((before.replace("haproxy", "nginx") + payload).encode()).fields


def test_nobody_knows_how_much_of_any_header_such_a_line_has():
    assert {*SENT, "proxy-protocol"} == {*HEADERS}
    names = dict.fromkeys(SENT, "1.1.1.1")
    text = json.dumps(names | {"captured": UNTOLD.decode()})
    assert read_headers(text).ended.isdisjoint(SENT)


@pytest.mark.parametrize("before", ["", "a "])
@pytest.mark.parametrize(("proxy", "is_believed"), [("haproxy", False), ("openshift-router", False), ("nginx", True), ("auto", True)])
def test_a_line_without_a_tag_is_of_the_proxy_that_was_named(proxy, is_believed, before):
    said = before + 'unmasq: {"source_ip": "192.0.2.7", "x-forwarded-for": "1.1.1.1", "captured": "-"}\n'
    lines = said + said.replace(', "captured": "-"', "") + said
    reader = LineReader.of(proxy)
    rows = reader.read(Chunk(FileIdentity(1, 1, ""), "log", 0, lines.encode()), 0)
    ended = [read_headers(text).ended for text in reader.vocabulary.texts(rows.headers.tolist())]
    assert ["x-forwarded-for" in each for each in ended] == [True, is_believed, True]


@pytest.mark.parametrize(("method", "is_told"), [("GET", True), ("M-SEARCH", True), ("", False), ("-", False), ("<BADREQ>", False)])
@pytest.mark.parametrize("native", [NATIVE, None])
def test_no_header_is_known_of_a_request_that_was_refused(method, is_told, native):
    line = 'unmasq: {"source_ip": "192.0.2.7", "x-forwarded-for": "", "method": "%s"}\n'
    reader = LineReader(native)
    reader.read(Chunk(FileIdentity(1, 1, ""), "log", 0, (line % "GET").encode()), 0)  # learns the layout
    rows = reader.read(Chunk(FileIdentity(1, 1, ""), "log", 0, (line % "GET" + line % method).encode()), 0)
    ended = [read_headers(text).ended for text in reader.vocabulary.texts(rows.headers.tolist())]
    assert ["x-forwarded-for" in each for each in ended] == [True, is_told]


@pytest.mark.parametrize(
    ("said", "is_whole"),
    [
        ('"status": "400", "upstream": ""', False), ('"status": "408", "upstream": "-"', False), ('"status": 400', False),
        ('"status": "400", "upstream": "10.0.0.1:80"', True), ('"status": "200", "upstream": ""', True), ('"status": "404"', True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("native", [NATIVE, None])
def test_of_a_request_that_was_refused_while_it_was_read_no_header_is_whole(said, is_whole, native):
    line = 'unmasq: {"source_ip": "192.0.2.7", "x-forwarded-for": "6.6.6.6", %s}\n'
    reader = LineReader(native)
    well = line % said.replace("400", "200").replace("408", "200")
    reader.read(Chunk(FileIdentity(1, 1, ""), "log", 0, well.encode()), 0)  # learns the layout
    rows = reader.read(Chunk(FileIdentity(1, 1, ""), "log", 0, (well + line % said).encode()), 0)
    ended = [read_headers(text).ended for text in reader.vocabulary.texts(rows.headers.tolist())]
    assert ["x-forwarded-for" in each for each in ended] == [True, is_whole]


CUT = MARKER + '{"source_port": 1, "destination_ip": "10.0.0.1", "destination_port": 80, "source_ip": "6.6.6.6", "x-forwarded-for": "'
RFC3164, RFC5424 = "Nov 28 02:00:00 lb haproxy[7]: ", "2026-11-27T10:00:00+00:00 router-default-x haproxy[77]: "
REFERRER = '2026/11/28 02:24:42 [info] 7#7: *5 recv() failed, client: 192.0.2.1, request: "POST /z HTTP/1.1", host: "a", referrer: "'


@pytest.mark.parametrize(
    ("before", "source"),
    [
        *((before, b"6.6.6.6") for before in ("", " ", "haproxy: ", "haproxy[77]: ", RFC3164, RFC5424)),
        (COMBINED.format(uri="/", agent="curl") + " ", b"6.6.6.6"),
        *((REFERRER + before, b"") for before in ("", "x ", "haproxy[7]: ", f"{RFC3164}")),
        ("what a client wrote ", b""),
    ],
)
def test_a_rejected_payload_names_its_source_where_it_begins_the_line_alone(before, source):
    record = read_record((before + CUT).encode())
    assert (record.reject, record.fields.get("source_ip", b"")) == (Reject.BAD_JSON, source)


ENVOY = '{"source_ip":"198.51.100.10","source_port":4711,"downstream_remote_ip":"198.51.100.10","user_agent":"%s"}'
SIX = '{"source_port": 1, "destination_ip": "10.0.0.1", "destination_port": 80, "source_ip": "9.9.9.9", "x-forwarded-for": "%s"}'


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        (MARKER + SIX % "-", Shape.MARKER),
        (COMBINED.format(uri="/", agent="curl") + " " + MARKER + SIX % "-", Shape.MARKER),
        (COMBINED.format(uri="/", agent="curl"), Shape.COMBINED),
        (COMBINED.format(uri="/", agent="curl") + " 345 0.003 [shop-web-80] [] 10.0.0.5:80 6 0.003 200 5d3c", Shape.UPSTREAMINFO),
        (ENVOY % "curl", Shape.ENVOY),
        ('{"ClientAddr":"198.51.100.10:4711"}', Shape.TRAEFIK),
        ('{"request":{"remote_ip":"198.51.100.10","remote_port":"4711"}}', Shape.CADDY),
        ("{} " + MARKER + SIX % "-", Shape.MARKER),
    ],
)
def test_a_line_is_told_by_what_it_is(line, shape):
    assert read_record(line.encode())[1:] == (Reject.NONE, shape)


@pytest.mark.parametrize("agent", ["unmasq: {", MARKER + "{", MARKER + r"{\"source_ip\": \"6.6.6.6\"}", "unmasq: x"])
def test_a_marker_in_a_value_makes_an_object_no_other_line(agent):
    record = read_record((ENVOY % agent).encode())
    assert (record.reject, record.shape, record.fields["source_ip"]) == (Reject.NONE, Shape.ENVOY, b"198.51.100.10")


@pytest.mark.parametrize(
    ("line", "reject"),
    [
        ('{"source_ip":"1.1.1.1","source_port":1,"source_ip":"6.6.6.6"}', Reject.INJECTED),
        ('{"request":{"remote_ip":"1.1.1.1","headers":{"A":["x"],"A":["y"]}}}', Reject.INJECTED),
        ('{"request":{"remote_ip":"1.1.1.1","headers":{"X-Forwarded-For":"1.1.1.1"}}}', Reject.BAD_VALUE),
        ('{"source_ip":"1.1.1.1","source_port":1', Reject.BAD_JSON),
        ('{"source_ip":"1.1.1.1","source_port":NaN}', Reject.BAD_JSON),
        ('{"source_ip":' + "[" * 100_000 + "]" * 100_000 + "}", Reject.BAD_JSON),
        ('{"source_ip":"1.1.1.1","source_port":1,"a":' + "[" * 9 + "]" * 9 + "}", Reject.BAD_JSON),
        ('{"source_ip":{"a":1},"source_port":1}', Reject.BAD_VALUE),
        ('{"source_port":1,"downstream_remote_ip":"1.1.1.1"}', Reject.NO_SOURCE),
        ('{"ClientHost":"1.1.1.1"}', Reject.NO_SOURCE),
        ('{"ClientAddr":["1.1.1.1"],"RequestPath":{}}', Reject.BAD_VALUE),
        ('{"level":"info","msg":"started"}', Reject.NO_ADDRESS),
        ("[1]", Reject.NO_ADDRESS),
        ('{"x"} ' + MARKER + '{"source_port": ', Reject.BAD_JSON),
    ],
)
def test_an_object_that_says_nothing_is_rejected_by_its_reason(line, reject):
    record = read_record(line.encode())
    assert (record.reject, record.fields.get("source_ip", b"")) == (reject, b"")
