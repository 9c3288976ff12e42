"""Every line's verdict, one by one, by the same reading and the same walk as everything else.

There is no kernel here: the walk starts at the source that the line itself logs.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from msgspec import Struct

from unmasq.model.address import NONE, to_text
from unmasq.model.flowbatch import Evidence, Flag
from unmasq.model.ingress import Chunk, IngressBatch, Reject
from unmasq.read.formats.lines import LineReader
from unmasq.unwind.claims import named, raw_claims
from unmasq.unwind.trust import TrustList
from unmasq.unwind.walk import Verdict, read_headers, walk


class Claim(Struct, frozen=True):
    """An address that a header names (null if it is none), who says so, and what it said."""

    ip: str | None
    by: str
    raw: str


class Explanation(Struct, frozen=True):
    """What one line says and who is behind it. A null client always comes with a reject or a flag."""

    line: int
    source: str | None
    client: str | None
    evidence: str | None
    claims: list[Claim]
    flags: list[str]
    reject: str | None


def explain(chunks: Iterable[Chunk], trust: TrustList, read_us: int) -> Iterator[tuple[Explanation, Verdict]]:
    """An explanation for each line of a log, numbered from 1, with the walk behind it."""
    reader = LineReader()
    number = 0
    for chunk in chunks:
        batch = reader.read(chunk, read_us)
        for row in range(len(batch)):
            number += 1
            yield _explained(number, batch, row, reader.vocabulary.text(int(batch.headers[row])), trust)
        reader.compact(np.zeros(0, "u4"))


def _explained(number: int, batch: IngressBatch, row: int, headers: str, trust: TrustList) -> tuple[Explanation, Verdict]:
    source = (int(batch.source_hi[row]), int(batch.source_lo[row]))
    verdict = walk(source, "socket", read_headers(headers), trust)
    reject = Reject(int(batch.reject[row]))
    if reject and source == NONE:
        verdict = verdict._replace(flags=Flag(0))
    flags = verdict.flags | (Flag(int(batch.flags[row])) & Flag.TEST)
    return Explanation(
        line=number,
        source=to_text(*source) or None,
        client=to_text(*verdict.client) or None,
        evidence=Evidence(verdict.evidence).label,
        claims=[Claim(_text(name, raw), name, raw) for name, raw in raw_claims(headers) if name != "logged"],
        flags=flags.labels(),
        reject=reject.label,
    ), verdict


def _text(name: str, raw: str) -> str | None:
    address = named(name, raw)
    return to_text(*address) if address else None


_TELLERS = {"socket": "the proxy's socket saw", "kernel": "the kernel saw", "logged": "a log without our marker names"}


def steps(explanation: Explanation, verdict: Verdict, trust: TrustList) -> Iterator[str]:
    """The walk in words, one sentence a step, from the observed end on."""
    if explanation.reject:
        yield f"the line was rejected: {explanation.reject}"
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
