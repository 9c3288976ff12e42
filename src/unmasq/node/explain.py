"""Every line's verdict, one by one, by the same reading and the same walk as everything else.

There is no kernel here: the walk starts at the source that the line itself logs.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from unmasq.model.address import NONE, to_text
from unmasq.model.flowbatch import Evidence, Flag
from unmasq.model.ingress import Chunk, IngressBatch, Reject, Shape
from unmasq.read.formats.lines import LineReader
from unmasq.read.formats.proxies import FormatName
from unmasq.read.formats.record import told_by
from unmasq.unwind.claims import named, raw_claims
from unmasq.unwind.trust import TrustList
from unmasq.unwind.walk import KERNEL, LOGGED, SOCKET, Verdict, read_headers, walk


class Claim(Struct, frozen=True):
    """An address that a header names (null if it is none), who says so, and what it said."""

    ip: str | None
    by: str
    raw: str


class Explanation(Struct, frozen=True):
    """What one line says and who is behind it. A null client always comes with a reject or a flag."""

    line: int
    format: str | None
    told_by: str
    source: str | None
    client: str | None
    evidence: str | None
    claims: list[Claim]
    flags: list[str]
    reject: str | None


def explain(chunks: Iterable[Chunk], trust: TrustList, read_us: int, proxy: FormatName = "auto") -> Iterator[tuple[Explanation, Verdict]]:
    """An explanation for each line of a log, numbered from 1, with the walk behind it. `proxy`: whose lines alone are read."""
    reader = LineReader.of(proxy)
    number = 0
    for chunk in chunks:
        batch = reader.read(chunk, read_us)
        for row, text in zip(range(len(batch)), chunk.data.split(b"\n"), strict=False):  # behind the last newline is no line
            number += 1
            headers = reader.vocabulary.text(int(batch.headers[row]))
            yield _explained(_Line(number, text, row), batch, headers, trust)
        reader.compact(np.zeros(0, "u4"))


class _Line(NamedTuple):
    """A line of a log, and its row in its batch."""

    number: int
    text: bytes
    row: int


def _explained(line: _Line, batch: IngressBatch, headers: str, trust: TrustList) -> tuple[Explanation, Verdict]:
    row = line.row
    source = (int(batch.source_hi[row]), int(batch.source_lo[row]))
    verdict = walk(source, SOCKET, read_headers(headers), trust)
    reject = Reject(int(batch.reject[row]))
    if reject and source == NONE:
        verdict = verdict._replace(flags=Flag(0))
    flags = verdict.flags | (Flag(int(batch.flags[row])) & Flag.TEST)
    shape = Shape(int(batch.shape[row]))
    return Explanation(
        line=line.number,
        format=shape.label if shape else None,
        told_by=told_by(line.text),
        source=to_text(*source) or None,
        client=to_text(*verdict.client) or None,
        evidence=Evidence(verdict.evidence).label,
        claims=[Claim(_text(name, raw), name, raw) for name, raw in raw_claims(headers) if name != LOGGED],
        flags=flags.labels(),
        reject=reject.label,
    ), verdict


def _text(name: str, raw: str) -> str | None:
    address = named(name, raw)
    return to_text(*address) if address else None


_TELLERS = {SOCKET: "the proxy's socket saw", KERNEL: "the kernel saw", LOGGED: "a log without our marker names"}


def steps(explanation: Explanation, verdict: Verdict, trust: TrustList) -> Iterator[str]:
    """The walk in words, one sentence a step, from the observed end on."""
    yield f"read as {explanation.format or 'nothing that we know'}: {explanation.told_by}"
    if explanation.reject:
        yield f"the line was rejected: {explanation.reject}, {Reject[explanation.reject.upper()].meaning}"
    for hop in reversed(verdict.hops):
        entries = trust.find(*hop.address)
        teller = _TELLERS.get(hop.by, f"{hop.by} names")
        what = to_text(*hop.address) or "no address"
        believed = ", ".join(f"trusted as {e.name} for {e.header}" for e in entries) or "no trusted proxy"
        yield f"{teller} {what}: {believed}"
    yield _outcome(explanation)
    walked = {(to_text(*hop.address), hop.by) for hop in verdict.hops}
    for claim in explanation.claims:
        if (claim.ip or "", claim.by) not in walked:
            yield f"only claimed by {claim.by}: {claim.raw}"


def _outcome(explanation: Explanation) -> str:
    if explanation.client is None:
        return f"who is behind it cannot be known ({', '.join([*explanation.flags, *filter(None, [explanation.reject])])})"
    noted = f" ({', '.join(explanation.flags)})" if explanation.flags else ""
    return f"so the client is {explanation.client}, {explanation.evidence}{noted}"
