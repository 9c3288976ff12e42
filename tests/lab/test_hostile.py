"""Hostile header bytes through a real nginx in its three escapings: no line is lost, and no header chooses a source."""

import json
from pathlib import Path

import pytest

from tests.golden.hostile import HOSTILE
from unmasq.model.address import parse
from unmasq.model.ingress import Chunk, FileIdentity, Reject
from unmasq.read.formats.lines import LineReader

from . import topology as at
from .cluster import Lab

pytestmark = pytest.mark.needs("lab")
READ_US = 1_900_000_000_000_000


def read(path: Path, skip: int) -> list[tuple[str | None, Reject, dict[str, str]]]:
    """(source, reject, headers) of each line behind the first `skip` bytes of a log."""
    reader = LineReader()
    data = path.read_bytes()[skip:]
    batch = reader.read(Chunk(FileIdentity(1, 1, ""), str(path), 0, data), READ_US)
    texts = reader.vocabulary.texts(batch.headers.tolist())
    pairs = zip(batch.source_hi.tolist(), batch.source_lo.tolist(), strict=True)
    sources = [at.C1 if pair == parse(at.C1) else str(pair) for pair in pairs]
    return [(s, Reject(r), json.loads(t or "{}")) for s, r, t in zip(sources, batch.reject.tolist(), texts, strict=True)]


def sizes(lab: Lab) -> dict[str, int]:
    return {name: lab.nginx.log(name).stat().st_size for name in ("seed", "extended", "unescaped", "upstreaminfo")}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_every_byte_class_in_every_escaping(lab: Lab, value: bytes) -> None:
    lab.nginx.settle()
    before = sizes(lab)
    lab.request("c1", at.INGRESS, 80, "/local", [(b"X-Forwarded-For", value), (b"User-Agent", value)])
    lab.nginx.settle()
    shown = value.decode("utf-8", "backslashreplace")
    for name in ("seed", "extended", "upstreaminfo"):
        ((source, reject, headers),) = read(lab.nginx.log(name), before[name])
        assert (source, reject) == (at.C1, Reject.NONE), name
        assert headers["x-forwarded-for"] == shown, name
    ((source, reject, _),) = read(lab.nginx.log("unescaped"), before["unescaped"])
    assert source == at.C1 or reject in (Reject.INJECTED, Reject.BAD_JSON), "escape=none can be injected into, never believed"


def test_two_header_lines_are_one_list(lab: Lab) -> None:
    lab.nginx.settle()
    before = sizes(lab)
    lab.request("c1", at.INGRESS, 80, "/local", [("X-Forwarded-For", "8.8.8.8"), ("X-Forwarded-For", "9.9.9.9")])
    lab.nginx.settle()
    ((_, _, headers),) = read(lab.nginx.log("seed"), before["seed"])
    assert headers["x-forwarded-for"] == "8.8.8.8, 9.9.9.9"
