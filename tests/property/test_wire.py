"""A batch survives the way as it is; whatever else arrives is refused with a reason, or is a batch that makes sense."""

from dataclasses import replace

import hypothesis.strategies as st
import msgspec
import numpy as np
import pytest
import zstandard
from hypothesis import given, settings

from tests.contract.traffic import MadeChain, MadeFlow, batch
from tests.story.elsewhere import record
from unmasq.base.errors import BatchRefused, BatchTooLarge
from unmasq.model import wire
from unmasq.model.columns import Columns
from unmasq.model.flaws import flaw_of
from unmasq.model.flowbatch import FlowBatch, Rejected
from unmasq.model.ingress import Reject
from unmasq.model.translation import Translations

TABLES = ("flows", "chains", "asked", "addresses", "lines", "translations")
words = st.text(max_size=8).map("/".__add__)
chains = st.builds(
    MadeChain,
    headers=st.sampled_from([(), (("x-forwarded-for", "192.0.2.1, 2001:db8::1"),), (("x-real-ip", "?"), ("x-forwarded-for", "é😀"))]),
    requests=st.integers(1, 1 << 28),
    paths=st.lists(words, max_size=2).map(tuple),
)
flows = st.builds(
    MadeFlow, minute=st.integers(-3000, 3000), port=st.integers(0, 65535), chains=st.lists(chains, min_size=1, max_size=3).map(tuple)
)
rejects = st.lists(
    st.builds(Rejected, st.integers(0, 40_000), st.sampled_from(Reject).map(int), st.integers(0, 1 << 30), words), max_size=3
)
records = st.lists(
    st.builds(record, st.tuples(st.sampled_from(["192.0.2.1", "2001:db8::1"]), st.integers(0, 65535)), st.integers(0, 1 << 52))
)
batches = st.builds(
    lambda made, rejected, told: replace(batch(made, rejected=rejected), translations=Translations.concat(told)),
    st.lists(flows, max_size=4),
    rejects,
    records,
)

SMALL = replace(
    batch([MadeFlow(chains=(MadeChain(paths=("/a",)), MadeChain((("x-real-ip", "192.0.2.9"),)))), MadeFlow(port=2)]),
    translations=Translations.concat([record(("192.0.2.1", 7000), 1), record(("192.0.2.2", 7000), 2, 3)]),
)


def same(one: FlowBatch, other: FlowBatch) -> bool:
    rest = [(b.id, b.node, b.texts, b.files, b.rejected) for b in (one, other)]
    return rest[0] == rest[1] and all(equal(getattr(one, name), getattr(other, name)) for name in TABLES)


def equal(one: Columns, other: Columns) -> bool:
    pairs = [(getattr(one, name), getattr(other, name)) for name in one.dtypes()]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


@given(batches)
def test_a_batch_survives_the_way_as_it_is(made):
    assert same(made, wire.decode(wire.encode(made)))


def test_a_batch_without_translations_says_nothing_of_them():
    told = msgspec.msgpack.decode(zstandard.decompress(wire.encode(batch([MadeFlow()]))))
    assert sorted(told["tables"]) == sorted(set(TABLES) - {"translations"})


def test_half_a_surrogate_pair_becomes_an_escape():
    made = batch([MadeFlow(chains=(MadeChain(paths=("/\udc80",)),))], rejected=[Rejected(1, 3, 1, "\ud800")])
    arrived = wire.decode(wire.encode(made))
    assert "/\\udc80" in arrived.texts
    assert arrived.rejected[0].sample == "\\ud800"


def decoded_or_refused(data: bytes) -> FlowBatch | None:
    try:
        arrived = wire.decode(data)
    except BatchRefused:
        return None
    assert flaw_of(arrived) is None
    return arrived


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_make_sense(data):
    decoded_or_refused(data)
    decoded_or_refused(zstandard.compress(data))


@settings(max_examples=300)
@given(st.data())
def test_damage_on_the_way_is_refused_or_makes_sense(data):
    sent = bytearray(wire.encode(SMALL))
    for _ in range(data.draw(st.integers(1, 3))):
        sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
    decoded_or_refused(bytes(sent[: data.draw(st.integers(0, len(sent)))] if data.draw(st.booleans()) else sent))


@settings(max_examples=500)
@given(st.data())
def test_damage_under_the_compression_is_refused_or_makes_sense(data):
    plain = bytearray(zstandard.decompress(wire.encode(SMALL)))
    for _ in range(data.draw(st.integers(1, 3))):
        plain[data.draw(st.integers(0, len(plain) - 1))] = data.draw(st.integers(0, 255))
    decoded_or_refused(zstandard.compress(bytes(plain)))


def forged(change):
    told = msgspec.msgpack.decode(zstandard.decompress(wire.encode(SMALL)))
    change(told)
    return zstandard.compress(msgspec.msgpack.encode(told))


def column(table, name, values, dtype="<i8"):
    def change(told):
        told["tables"][table]["columns"][name][1:] = [0, np.dtype(dtype).str, np.array(values, dtype).tobytes()]

    return change


def setting(**fields):
    return lambda told: told.update(fields)


def headers(text):
    """Another text in the place of every header's."""
    return setting(texts=[text if known.startswith("{") else known for known in SMALL.texts])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (setting(version=2), "version 2"),
        (setting(version=None), "version"),
        (setting(node=""), "node"),
        (setting(node="n" * 300), "node"),
        (setting(id="no uuid"), "UUID"),
        (setting(tables={}), "tables"),
        (setting(texts=[1]), "str"),
        (setting(files=[{"device": -1, "inode": 1, "fingerprint": ""}]), "device"),
        (setting(rejected=[{"day": 1, "reason": 99, "count": 1, "sample": ""}]), "reject"),
        (setting(rejected=[{"day": -1, "reason": 1, "count": 1, "sample": ""}]), "reject"),
        (setting(rejected=[{"day": day, "reason": 1, "count": 1, "sample": ""} for day in range(5000)]), "days"),
        (headers("{"), "headers"),
        (headers("[" * 100_000), "headers"),
        (headers('{"x-real-ip": 7}'), "headers"),
        (headers('{"x-real-ip": "\\udc80"}'), "headers"),  # an answer could not hold it
        (column("chains", "flow", [0, 0, 2]), "chains.flow"),
        (column("chains", "flow", [-1, 0, 1]), "chains.flow"),
        (column("chains", "headers", [99, 0, 0]), "chains.headers"),
        (column("asked", "path", [1 << 40]), "asked.path"),
        (column("asked", "chain", [0, 3]), "asked.chain"),
        (column("addresses", "chain", [-2]), "addresses.chain"),
        (column("addresses", "chain", [2]), "addresses.chain must be a chain"),
        (column("lines", "file", [1], "<u4"), "lines.file"),
        (column("lines", "end", [0]), "before its start"),
        (column("flows", "join", [6], "u1"), "flows.join"),
        (column("flows", "flags", [1 << 15], "<u2"), "flows.flags"),
        (column("flows", "interval_start_us", [1 << 62]), "flows.interval_start_us"),
        (column("flows", "interval_end_us", [0]), "interval"),
        (column("flows", "first_us", [-(1 << 62)]), "flows.first_us"),
        (column("flows", "bytes_in", [1 << 62]), "flows.bytes_in"),
        (column("translations", "start_us", [1 << 62]), "translations.start_us"),
        (column("translations", "end_us", [0, -(1 << 62)]), "translations.end_us"),
        (column("chains", "evidence", [4], "u1"), "chains.evidence"),
        (column("chains", "requests", [-1]), "chains.requests"),
        (column("flows", "source_hi", [1, 2, 3], "<u8"), "24 bytes for 2 rows"),
        (lambda told: told["tables"]["flows"]["columns"].pop("join"), "other columns"),
        (lambda told: told["tables"]["flows"]["columns"]["join"].__setitem__(0, "<u2"), "type"),
        (lambda told: told["tables"]["flows"]["columns"]["join"].__setitem__(2, "<f8"), "type"),
        (lambda told: told["tables"]["flows"]["columns"]["join"].__setitem__(slice(1, 4), [250, "|u1", b"\x09"]), "beyond the type"),
        (lambda told: told["tables"]["flows"]["columns"]["id_lo"].__setitem__(slice(1, 4), [-1, "|u1", b"\x09"]), "beyond the type"),
        (lambda told: told["tables"]["flows"].update(rows=-1), "rows"),
        (lambda told: told["tables"].pop("lines"), "tables"),
        (lambda told: told["tables"].update(more=told["tables"]["lines"]), "tables"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_reason(change, why):
    with pytest.raises(BatchRefused, match=why):
        wire.decode(forged(change))


def test_a_small_batch_cannot_grow_without_end():
    bomb = zstandard.compress(bytes(wire.MOST_BYTES + 1))
    with pytest.raises(BatchTooLarge):
        wire.decode(bomb)
    with pytest.raises(BatchTooLarge):
        wire.decode(forged(lambda told: told["tables"]["lines"].update(rows=1 << 40)))
    endless = zstandard.ZstdCompressor(write_content_size=False).compress(b"x")
    with pytest.raises(BatchRefused, match="how long"):
        wire.decode(endless)
    with pytest.raises(BatchRefused):
        wire.decode(wire.encode(SMALL) + b"more")
