"""A log with known truth: who is behind each line is right or said to be unknown, whatever liars write into it."""

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from tests.truth.log import Log, Truth, generate
from tests.truth.traffic import ATTACKERS, Shape
from tests.truth.world import TRUST
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.node.explain import Explanation, explain
from unmasq.unwind.trust import TrustList, entry

READ_US = 1_795_300_000_000_000
FILE = FileIdentity(1, 1, "truth")
TRUSTED = TrustList([entry("ours", text) for text in TRUST], 1)

SHAPES = {
    "documented": (60_000, Shape()),
    "realip": (10_000, Shape(has_realip=True)),
    "extended": (10_000, Shape(is_extended=True)),
    "attack lines only": (10_000, Shape(attacks=1.0)),
    "flood": (10_000, Shape(is_flood=True)),
    "half of it broken": (10_000, Shape(damaged=0.5)),
}

Judged = list[tuple[bytes, Truth, Explanation]]


def chunks(log: Log, size: int = 1 << 20) -> Iterator[Chunk]:
    """The log in pieces of whole lines, as a reader would hand them on."""
    data, start = log.data, 0
    while start < len(data):
        end = data.index(b"\n", min(start + size, len(data) - 1)) + 1
        yield Chunk(FILE, "log", start, data[start:end])
        start = end


def judged(log: Log, trust: TrustList = TRUSTED) -> Judged:
    explained = (explanation for explanation, _ in explain(chunks(log), trust, READ_US))
    return list(zip(log.lines, log.truths, explained, strict=True))


@pytest.fixture(scope="module", params=SHAPES)
def lines(request) -> Judged:
    count, shape = SHAPES[request.param]
    return judged(generate(11, count, shape))


def test_the_generated_log_is_as_hard_as_it_says():
    """A log on which the wrong rules are right would prove nothing: here they err as often as on the reference workload."""
    log = generate(11, 60_000)
    well_formed = [(line, truth) for line, truth in zip(log.lines, log.truths, strict=True) if not truth.damage]
    attacks = [(line, truth) for line, truth in well_formed if truth.is_attack]
    assert len({truth.client for _, truth in attacks if truth.client}) == ATTACKERS
    assert 0.02 < len(attacks) / len(log.lines) < 0.05
    assert 0.0015 < 1 - len(well_formed) / len(log.lines) < 0.0025
    assert 0.10 < sum(":" in (truth.client or "") for truth in log.truths) / len(log.truths) < 0.14
    assert share_of_errors(attacks, left_most) > 0.4
    assert share_of_errors(attacks, calico) > 0.25
    assert share_of_errors(attacks, lambda source, *_: source) > 0.9


def share_of_errors(lines, rule):
    wrong = sum(address(rule(*headers(line))) != truth.client for line, truth in lines)
    return wrong / len(lines)


def headers(line: bytes) -> tuple[str, str, str]:
    source, forwarded_for, real = (line.decode().rpartition(f'"{key}": "')[2].partition('"')[0] for key in KEYS)
    return source, source if forwarded_for == "-" else forwarded_for, real


KEYS = ("source_ip", "x-forwarded-for", "x-real-ip")


def left_most(_: str, forwarded_for: str, __: str) -> str:
    return forwarded_for.partition(",")[0]


def calico(source: str, forwarded_for: str, real: str) -> str:
    return left_most(source, forwarded_for, real) if real == "-" else real


def address(text: str) -> str | None:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return None


def test_no_lie_ever_becomes_a_client(lines):
    assert [(line, got) for line, truth, got in lines if got.client in truth.lies] == []


def test_every_whole_line_is_right(lines):
    """The promise is 99.9 % of all lines; the rule is exact, so what is not broken must be right without exception."""
    assert [(line, truth, got) for line, truth, got in lines if not truth.damage and (got.source, got.client) != truth[:2]] == []


def test_every_broken_line_is_rejected_or_right_and_never_wrong(lines):
    broken = [(line, truth, got) for line, truth, got in lines if truth.damage]
    assert [each for each in broken if not each[2].reject and each[2].client != each[1].client] == []
    assert [each for each in broken if each[2].client not in (None, each[1].client)] == []


def test_a_client_that_is_not_known_comes_with_a_reason(lines):
    assert [got for _, _, got in lines if got.client is None and not (got.flags or got.reject)] == []


def test_each_kind_of_damage_is_met_with_the_answer_that_it_deserves():
    """What nginx escaped loses nothing; what a client wrote raw into the log is called by its name."""
    answers: dict[str, Counter[str | None]] = {}
    for _, truth, got in judged(generate(11, 10_000, Shape(damaged=0.5))):
        answers.setdefault(truth.damage, Counter())[got.reject] += 1
    harmless = ("", "quotes", "controls", "not ascii", "marker in the agent", "no port")
    assert {kind: set(answers[kind]) for kind in harmless} == {kind: {None} for kind in harmless}
    assert set(answers["repeated key"]) == set(answers["second marker"]) == {"injected"}
    assert set(answers["blank"]) == {"blank"}
    assert set(answers["garbage"]) == {"no_address", "bad_json"}  # of some the first byte is that of an object
    assert set(answers["cut"]) == {None, "no_address", "no_payload", "bad_json"}


def test_without_trust_the_source_is_the_client_whatever_the_headers_say():
    for line, truth, got in judged(generate(12, 5_000), TrustList()):
        assert got.client in (truth.source, None) or got.evidence == "logged", line
