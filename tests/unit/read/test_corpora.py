"""Lines that real proxies wrote, with what was sent beside them: none is lost, none is injected into, and every claim is right."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.golden.hostile import HOSTILE, TAME
from tests.property.test_lines import PlainReader, values
from unmasq.model.address import parse
from unmasq.model.flowbatch import Flag
from unmasq.model.ingress import Chunk, FileIdentity, IngressBatch, Reject, Shape
from unmasq.model.native import NATIVE
from unmasq.read.formats.lines import LineReader
from unmasq.read.formats.proxies import FormatName, shapes_of
from unmasq.unwind.claims import header_values
from unmasq.unwind.trust import TrustList, entry
from unmasq.unwind.walk import read_headers, walk

GOLDEN = Path(__file__).parents[2] / "golden"
READ_US = 1_900_000_000_000_000
EDGE = "203.0.113.20"
TRUST = TrustList([entry("edge", EDGE)], 1)
EMPTY = ("", "-")


class Corpus(NamedTuple):
    """A folder, whose lines are of one proxy, in one shape."""

    name: str
    proxy: FormatName
    shape: Shape


CORPORA = (
    Corpus("nginx", "nginx", Shape.MARKER),
    Corpus("nginx-howto", "nginx", Shape.MARKER),
    Corpus("nginx-upstreaminfo", "ingress-nginx", Shape.MARKER),
    Corpus("ingress-nginx", "ingress-nginx", Shape.MARKER),
    Corpus("nginx-inc", "nginx-inc", Shape.MARKER),
    Corpus("apache", "apache", Shape.MARKER),
    Corpus("apache-remoteip", "apache", Shape.MARKER),
    Corpus("envoy", "envoy", Shape.ENVOY),
    Corpus("envoy-gateway", "envoy", Shape.ENVOY),
    Corpus("envoy-contour", "envoy", Shape.ENVOY),
    Corpus("traefik", "traefik", Shape.TRAEFIK),
    Corpus("caddy", "caddy", Shape.CADDY),
)
NAMED = [corpus for corpus in CORPORA if corpus.name != "envoy-contour"]
each = pytest.mark.parametrize("corpus", CORPORA, ids=lambda corpus: corpus.name)
each_named = pytest.mark.parametrize("corpus", NAMED, ids=lambda corpus: corpus.name)


class Request(NamedTuple):
    """What was sent."""

    case: str
    source: str
    port: int
    status: int
    forwarded: str | None


def requests_of(corpus: Corpus) -> list[Request]:
    return [Request(**told) for told in json.loads((GOLDEN / corpus.name / "requests.json").read_text())]


def read(reader: LineReader, corpus: Corpus) -> IngressBatch:
    data = (GOLDEN / corpus.name / "access.log").read_bytes()
    return reader.read(Chunk(FileIdentity(1, 1, ""), "log", 0, data), READ_US)


def headers_of(corpus: Corpus) -> list[str]:
    reader = LineReader()
    return reader.vocabulary.texts(read(reader, corpus).headers.tolist())


def told(corpus: Corpus, request: Request) -> str | None:
    """X-Forwarded-For as the proxy can be known to log it; None where it logs none."""
    if request.status == 400 or request.forwarded is None:
        return None if corpus.proxy == "traefik" else ""
    raw = request.forwarded.encode("latin-1")
    if corpus.proxy == "traefik":
        return raw.decode("utf-8", "replace") if request.source == EDGE else None
    return raw.decode("utf-8", "replace" if corpus.proxy == "caddy" else "backslashreplace")


@each
def test_no_line_is_lost(corpus: Corpus) -> None:
    for reader in (LineReader(), LineReader(None), LineReader(shapes=shapes_of(corpus.proxy))):
        batch = read(reader, corpus)
        assert len(batch) == len(requests_of(corpus))
        assert set(batch.reject.tolist()) == {Reject.NONE}
        assert set(batch.shape.tolist()) == {corpus.shape}


@each
def test_the_fast_path_says_what_the_plain_one_says(corpus: Corpus) -> None:
    plain = PlainReader()
    expected = values(plain, read(plain, corpus))
    for native in (NATIVE, None):
        fast = LineReader(native)
        assert values(fast, read(fast, corpus)) == expected


@each_named
def test_no_header_chooses_a_source(corpus: Corpus) -> None:
    batch = read(LineReader(), corpus)
    for row, request in enumerate(requests_of(corpus)):
        assert (int(batch.source_hi[row]), int(batch.source_lo[row])) == parse(request.source), request
        told_port = 0 if corpus.name == "apache-remoteip" and request.status == 400 else request.port
        assert batch.source_port[row] == told_port, request


@each_named
def test_claims_are_what_was_sent(corpus: Corpus) -> None:
    for text, request in zip(headers_of(corpus), requests_of(corpus), strict=True):
        found = header_values(text).get("x-forwarded-for")
        expected = told(corpus, request)
        assert found == expected or (found in EMPTY and expected in EMPTY), request


@each_named
def test_clients_are_right_or_nobody_is_one(corpus: Corpus) -> None:
    for text, request in zip(headers_of(corpus), requests_of(corpus), strict=True):
        source = parse(request.source)
        assert source is not None
        verdict = walk(source, "socket", read_headers(text), TRUST)
        if request.source != EDGE:
            assert (verdict.client, verdict.flags) == (source, Flag(0)), request
            continue
        last = (told(corpus, request) or "").rpartition(",")[2].strip()
        if last in EMPTY:
            assert verdict.flags in (Flag.ALL_TRUSTED, Flag.OBSCURED), request
        elif parse(last):
            assert verdict.client == parse(last), request
        else:
            assert (verdict.client, verdict.flags) == ((0, 0), Flag.OBSCURED), request


def test_what_envoy_took_from_a_header_is_a_claim_and_no_source() -> None:
    corpus = next(corpus for corpus in CORPORA if corpus.name == "envoy-contour")
    batch = read(LineReader(), corpus)
    texts = headers_of(corpus)
    derived = 0
    for row, request in enumerate(requests_of(corpus)):
        pair = int(batch.source_hi[row]), int(batch.source_lo[row])
        assert pair in ((0, 0), parse(request.source)), request
        if pair == (0, 0):
            derived += 1
            assert header_values(texts[row]).keys() & {"prefix", "logged"} == {"prefix"}
    assert derived


@each
def test_a_corpus_has_every_class_of_bytes(corpus: Corpus) -> None:
    cases = {request.case for request in requests_of(corpus)}
    refused = {"control", "delete"} if corpus.proxy in ("caddy", "traefik") else set()  # they log no request that they refuse
    assert cases >= {*TAME, *HOSTILE, "no header"} - refused
