"""Reading lines: never raises, a row for every line, and the fast path says what the plain one says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.twins import each_twin
from unmasq.model.ingress import Chunk, FileIdentity, IngressBatch, Reject
from unmasq.model.native import Native
from unmasq.read.formats.layout import learn
from unmasq.read.formats.lines import LineReader
from unmasq.read.formats.payload import read_payload

READ_US = 1_795_300_000_000_000
SIX = ("source_port", "destination_ip", "destination_port", "source_ip", "x-forwarded-for", "x-real-ip")

ODD = ["unknown, [2001:db8::5]:80", 'a"b', "tab\there", "new\nline", "é", "back\\slash", "{}", '": "']
header = st.one_of(st.sampled_from(["-", "", "1.1.1.1", "1.1.1.1, 198.51.100.10", *ODD]), st.text(max_size=12))
address = st.sampled_from(["198.51.100.10", "2001:db8::7", "::ffff:192.0.2.1", "203.0.113.20"])
agent = st.sampled_from(["curl/8", "Mozilla", 'tigera_secure_ee_ingress: {\\"', "unmasq: {", "unmasq: x", "unmasq-test/7"])
PREFIX = '{} - - [23/Nov/2026:10:00:00 +0000] "GET /search?q=1 HTTP/1.1" 200 612 "-" "{}"'
TAGS = (" ", "haproxy: ", "haproxy[77]: ", "edge haproxy[7]: ")
UPSTREAM = " 345 0.003 [shop-web-80] [] 10.244.2.5:8080, 10.244.2.6:8080 612 0.003 502, 200 5d3c9c1b"


def six(source: str, port: object, xff: str, real: str) -> str:
    """The documented payload with escape=json."""
    return json.dumps(dict(zip(SIX, (port, "10.244.1.10", 80, source, xff, real), strict=True)), ensure_ascii=False)


def front(kind: str, source: str, agent: str, size: str) -> str:
    """What stands before the marker."""
    if kind in TAGS:
        return kind
    prefix = {"bare": "", "combined": PREFIX, "upstream": PREFIX + UPSTREAM}[kind].format(source, agent)
    return prefix.replace("612", size) + " " * bool(prefix)


def further(payload: str, told: dict[str, str]) -> str:
    """The payload with keys of which some name what stands before the marker, too."""
    return json.dumps(json.loads(payload) | told, ensure_ascii=False)


more: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"captured": st.sampled_from(["-", "x-forwarded-for:16"]), "method": st.sampled_from(["GET", "<BADREQ>"])}),
    st.fixed_dictionaries({"uri": st.sampled_from(["/own?x", "/"]), "status": header, "user_agent": header}),
    st.fixed_dictionaries({"status": st.sampled_from(["200", "400", "408"]), "upstream": st.sampled_from(["", "-", "10.0.0.1:80"])}),
)
good = st.builds(
    lambda source, port, xff, real, kind, agent, size, told: (
        front(kind, source, agent, size) + "tigera_secure_ee_ingress: " + further(six(source, port, xff, real), told)
    ),
    address, st.integers(0, 70000), header, header, st.sampled_from(["bare", "combined", "upstream", *TAGS]), agent,
    st.sampled_from(["612", "-", "0612", "9" * 18, "9" * 19]), more,
).map(lambda line: line.replace("\n", "").encode("utf-8", "surrogatepass"))  # fmt: skip
plain_log = st.builds(lambda source, who: PREFIX.format(source, who).encode(), address, agent)
broken = st.one_of(st.binary(max_size=60), st.just(b""), st.just(b"  "), st.builds(lambda line, cut: line[:cut], good, st.integers(0, 400)))
value = st.one_of(header, st.none(), st.integers(0, 70000), st.lists(header, max_size=2))
envoy = st.builds(
    lambda source, port, remote, xff, agent: {
        "source_ip": source, "source_port": port, "downstream_remote_ip": remote, "downstream_remote_port": port,
        "x-forwarded-for": xff, "user_agent": agent, "start_time": "2026-11-23T10:00:00.5Z",
    },
    address, value, address, value, st.one_of(agent, value),
)  # fmt: skip
traefik = st.builds(
    lambda source, port, xff: {"ClientAddr": f"[{source}]:{port}", "request_X-Forwarded-For": xff, "StartUTC": "2026-11-23T10:00:00.1Z"},
    address, value, value,
)  # fmt: skip
caddy = st.builds(
    lambda source, port, xff, ts: {"ts": ts, "request": {"remote_ip": source, "remote_port": port, "headers": {"X-Forwarded-For": xff}}},
    address, value, value, st.floats(0, 2e9),
)  # fmt: skip
family = st.one_of(envoy, traefik, caddy)
whole = st.builds(
    lambda told, is_escaped: json.dumps(told, ensure_ascii=is_escaped).encode("utf-8", "surrogatepass"), family, st.booleans()
)
cut_object = st.builds(
    lambda line, at, more: line[:at] + more, whole, st.integers(0, 200), st.sampled_from([b"", b"}", b'":"', b"\\u00ff", b"\xff"])
)
lines = st.lists(
    st.one_of(good, good, plain_log, broken, whole, cut_object).map(lambda line: line.replace(b"\n", b" ")), min_size=1, max_size=30
)


class PlainReader(LineReader):
    """The twin: it knows no layout, so every line goes the plain way."""

    def _layout_for(self, data: bytes) -> None:
        return None


def chunk(data: bytes) -> Chunk:
    return Chunk(FileIdentity(1, 1, "x"), "log", 100, data)


def values(reader: LineReader, batch: IngressBatch) -> list[dict[str, object]]:
    """Rows with texts instead of numbers, so that two readers can be compared."""
    texts = {"headers", "method", "host", "path", "status", "user_agent", "upstream", "service"}
    columns = {name: column.tolist() for name, column in batch.as_dict().items()}
    columns |= {name: reader.vocabulary.texts(columns[name]) for name in texts}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@each_twin
@given(lines)
def test_the_fast_path_says_what_the_plain_one_says(native: Native | None, some: list[bytes]) -> None:
    data = b"".join(line + b"\n" for line in some)
    fast, plain = LineReader(native), PlainReader()
    assert values(fast, fast.read(chunk(data), READ_US)) == values(plain, plain.read(chunk(data), READ_US))


@each_twin
@pytest.mark.parametrize("front", ["", PREFIX.format("198.51.100.10", "unmasq: {") + " ", PREFIX.format("198.51.100.10", "curl") + " "])
@pytest.mark.parametrize("real", ["-", "unmasq: {", "tigera_secure_ee_ingress: {"])
def test_a_second_payload_is_one_on_both_paths(native: Native | None, front: str, real: str) -> None:
    """The quote behind a value that ends like a marker makes it the beginning of a payload."""
    known, other = ("unmasq: " + six("198.51.100.10", 4711, "-", said) for said in ("-", real))
    fast, data = LineReader(native), f"{PREFIX.format('198.51.100.10', 'curl')} {known}\n{known}\n{front}{other}\n\n".encode()
    fast.read(chunk(f"{front.replace('unmasq: {', 'curl')}{known}\n".encode()), READ_US)  # learns the layout
    rejects = [Reject.NONE, Reject.NONE, Reject.INJECTED if "{" in front + real else Reject.NONE, Reject.BLANK]
    assert fast.read(chunk(data), READ_US).reject.tolist() == rejects


@pytest.mark.parametrize("kind", ["bare", "combined", "upstream"])
def test_what_the_payload_repeats_of_its_prefix_keeps_no_line_from_the_fast_path(kind: str) -> None:
    told = {"uri": "/own", "status": "204", "bytes_out": "7", "bytes_in": "9", "user_agent": "its own", "upstream": "-", "service": "x"}
    payload = further(six("198.51.100.10", 4711, "1.1.1.1", "-"), told)
    line = (front(kind, "198.51.100.10", "curl", "612") + "tigera_secure_ee_ingress: " + payload).replace(":8080, 10.244.2.6", "")
    assert learn(line.replace("502, ", "").encode()) is not None


@each_twin
@given(st.lists(st.tuples(header, header), min_size=1, max_size=8))
def test_headers_are_kept_as_they_were_sent(native: Native | None, sent: list[tuple[str, str]]) -> None:
    reader = LineReader(native)
    data = "".join(f"unmasq: {six('198.51.100.10', 4711, *both)}\n" for both in sent).encode()
    texts = reader.vocabulary.texts(reader.read(chunk(data), READ_US).headers.tolist())
    assert [json.loads(text) for text in texts] == [dict(zip(SIX[4:], both, strict=True)) for both in sent]


@each_twin
@given(st.lists(st.binary(max_size=80), max_size=20))
def test_reading_never_raises_and_gives_a_row_for_every_line(native: Native | None, some: list[bytes]) -> None:
    data = b"\n".join(some)
    batch = LineReader(native).read(chunk(data), READ_US)
    assert len(batch) == data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    assert batch.end[-1:].tolist() == [100 + len(data)] * bool(data)


@each_twin
@given(good.filter(lambda line: b"700" not in line), st.binary(min_size=1, max_size=40))
def test_a_header_cannot_choose_the_source(native: Native | None, line: bytes, forged: bytes) -> None:
    """Whatever bytes a client sends, escaped as nginx does, the source stays what the socket saw, or the line is rejected."""
    escaped = "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02X}" for b in forged)
    payload = six("198.51.100.10", 4711, "FORGED", "FORGED").replace("FORGED", escaped)
    reader = LineReader(native)
    batch = reader.read(chunk(b"unmasq: " + payload.encode() + b"\n"), READ_US)
    assert batch.source_lo.tolist() == [0xFFFF_C633_640A]
    assert batch.reject.tolist() == [Reject.NONE]


@given(family, st.sampled_from([("unmasq: {", ""), ("tigera_secure_ee_ingress: {", ":"), ("unmasq: {", '": "'), ("x", 'unmasq: {"a": 1}')]))
def test_an_object_is_never_a_payload_too(told: dict[str, object], ends: tuple[str, str]) -> None:
    """Whatever its values are, also where one ends like a marker and the next begins like the rest of a payload."""
    line = json.dumps({"a": ends[0], "b": ends[1], **told, "z": ends[0]}, separators=(",", ":"), ensure_ascii=False)
    payload = read_payload(line.encode("utf-8", "surrogatepass"))
    assert payload.reject or not payload.fields


@given(st.sampled_from(["envoy", "traefik", "caddy"]), st.binary(max_size=60))
def test_bytes_of_a_header_choose_no_source_in_an_object(name: str, forged: bytes) -> None:
    """Written as each proxy does: what is UTF-8 as it is, bytes that are not as escapes of a byte, or lost."""
    try:
        shown = json.dumps(forged.decode(), ensure_ascii=False)
    except UnicodeDecodeError:
        shown = json.dumps(forged.decode("latin-1")) if name == "envoy" else json.dumps(forged.decode("utf-8", "replace"))
    objects = {
        "envoy": f'{{"source_ip":"198.51.100.10","source_port":4711,"user_agent":{shown},"x-forwarded-for":{shown}}}',
        "traefik": f'{{"ClientAddr":"198.51.100.10:4711","request_User-Agent":{shown},"request_X-Forwarded-For":{shown}}}',
        "caddy": f'{{"request":{{"remote_ip":"198.51.100.10","remote_port":"4711","headers":{{"X-Forwarded-For":[{shown}]}}}}}}',
    }
    reader = LineReader()
    batch = reader.read(chunk(objects[name].encode() + b"\n"), READ_US)
    assert (batch.source_lo.tolist(), batch.source_port.tolist(), batch.reject.tolist()) == ([0xFFFF_C633_640A], [4711], [Reject.NONE])
    found = json.loads(reader.vocabulary.text(int(batch.headers[0])))["x-forwarded-for"]
    if name == "envoy" and b"," not in forged and b"198" not in forged:
        assert found == forged.decode("utf-8", "backslashreplace")


@each_twin
@given(good, st.integers(1, 400))
def test_a_value_never_runs_over_the_end_of_a_cut_line(native: Native | None, line: bytes, cut: int) -> None:
    data = b"\n".join([line, line[:cut], line[cut:], line])
    fast, plain = LineReader(native), PlainReader()
    batch = fast.read(chunk(data), READ_US)
    assert len(batch) == 4
    assert values(fast, batch) == values(plain, plain.read(chunk(data), READ_US))
