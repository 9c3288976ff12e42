"""What a start is worth that no socket is known to have seen: the kernel's word makes it like any other."""

import json

import pytest

from tests.property.test_walk import columns
from unmasq.model.address import NONE, parse
from unmasq.model.flowbatch import Evidence, Flag, Join
from unmasq.unwind.claims import claims_of
from unmasq.unwind.judge import judge, seen_by
from unmasq.unwind.trust import TrustList, entry
from unmasq.unwind.walk import read_headers, walk

EDGE, CLIENT = "203.0.113.20", "198.51.100.10"
TRUST = TrustList([entry("edge", EDGE)])
LOGGED, INNER = "logged", "source_by"


@pytest.mark.parametrize(
    ("start", "note", "join", "client", "evidence"),
    [
        (CLIENT, LOGGED, Join.UNWITNESSED, CLIENT, Evidence.LOGGED),
        (CLIENT, LOGGED, Join.PARTIAL, CLIENT, Evidence.OBSERVED),
        (EDGE, LOGGED, Join.UNWITNESSED, CLIENT, Evidence.LOGGED),
        (EDGE, LOGGED, Join.PARTIAL, CLIENT, Evidence.FORWARDED),
        (CLIENT, INNER, Join.UNWITNESSED, "", Evidence.NONE),
        (CLIENT, INNER, Join.EXACT, CLIENT, Evidence.OBSERVED),
        (EDGE, INNER, Join.UNWITNESSED, "", Evidence.NONE),
        (EDGE, INNER, Join.EXACT, CLIENT, Evidence.FORWARDED),
    ],
)
def test_it_depends_on_whether_the_kernel_saw_the_connection(start, note, join, client, evidence):
    text = json.dumps({"x-forwarded-for": f"6.6.6.6, {CLIENT}", note: start if note == LOGGED else "proxy-protocol"})
    flags = Flag(0) if client else Flag.OBSCURED
    verdict = walk(parse(start) or NONE, seen_by(join), read_headers(text), TRUST)
    assert verdict[:3] == (parse(client) if client else NONE, evidence, flags)
    judged = judge(*columns([(start, text, False)], join), claims_of([text]), TRUST)
    assert ((int(judged.client_hi[0]), int(judged.client_lo[0])), judged.evidence[0], judged.flags[0]) == verdict[:3]
