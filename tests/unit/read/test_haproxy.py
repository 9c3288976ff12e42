"""The lines of a real HAProxy in tests/golden/haproxy: by syslog and by rsyslog's file they say the same, and what they must."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.property.twins import each_twin
from unmasq.model.address import to_text
from unmasq.model.ingress import Chunk, FileIdentity, IngressBatch, Reject
from unmasq.read.formats.lines import LineReader
from unmasq.read.syslog import messages
from unmasq.unwind.claims import claims_of
from unmasq.unwind.trust import TrustList, entry
from unmasq.unwind.walk import read_headers, walk

GOLDEN = Path(__file__).parents[2] / "golden" / "haproxy"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
READ_US = 1_900_000_000_000_000
CLIENT_TRUSTED = TrustList([entry("edge", "198.51.100.10")])
"""As if the client of all these requests were a trusted proxy, so that each header is walked."""


def lines_of(name: str) -> bytes:
    data = (GOLDEN / name).read_bytes()
    if name.endswith(".log"):
        return data
    return b"".join(message.text + b"\n" for raw in data.splitlines(keepends=True) for message in messages(raw, READ_US))


def read(name: str, native) -> tuple[IngressBatch, list[str]]:
    reader = LineReader(native)
    batch = reader.read(Chunk(FileIdentity(1, 1, ""), name, 0, lines_of(name)), READ_US)
    return batch, reader.vocabulary.texts(batch.headers.tolist())


def described(text: str, row: int, batch: IngressBatch) -> dict[str, str | None]:
    source = int(batch.source_hi[row]), int(batch.source_lo[row])
    client = to_text(*walk(source, "socket", read_headers(text), CLIENT_TRUSTED).client) or None
    values = json.loads(text)
    said = {name: values[name] for name in ("x-forwarded-for", "x-real-ip", "forwarded", "captured") if values.get(name, "-") != "-"}
    return {"source": to_text(*source), "reject": Reject(int(batch.reject[row])).label, "client": client} | said


@each_twin
@pytest.mark.parametrize(("name", "which"), [("haproxy.syslog", "haproxy"), ("haproxy.log", "haproxy"), ("router.syslog", "router")])
def test_each_line_says_what_it_must(native, name, which):
    batch, texts = read(name, native)
    found = {case: described(text, row, batch) for row, (case, text) in enumerate(zip(EXPECTED[which], texts, strict=True))}
    assert found == EXPECTED[which]
    assert np.array_equal(claims_of(texts, native).partly, claims_of(texts, None).partly)


def test_the_corpus_is_whole():
    assert {name: len(lines_of(name).split(b"\n")) - 1 for name in ("haproxy.syslog", "haproxy.log", "router.syslog")} == {
        "haproxy.syslog": len(EXPECTED["haproxy"]),
        "haproxy.log": len(EXPECTED["haproxy"]),
        "router.syslog": len(EXPECTED["router"]),
    }
