"""What is said of a test request whose headers did not arrive as they were sent."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from unmasq.find.acceptance import Outcome, Result, Sent, outcome

SENT = Sent("1.1.1.1", "2.2.2.2", "nonce", "192.0.2.10", 40000)
TRANSLATED = "198.51.100.10"


def became(headers: dict[str, list[str]]) -> Outcome:
    unmasq = SimpleNamespace(nat_source_ip=None, flags=[], connection=None, join="unwitnessed")
    flow = SimpleNamespace(source_ip=TRANSLATED, source_port=40000, original_source_ips=None, unmasq=unmasq)
    chain = SimpleNamespace(headers=headers, client=TRANSLATED, evidence="observed")
    return outcome(SENT, cast(Any, (flow, chain)), None)


@pytest.mark.parametrize("headers", [{}, {"x-forwarded-for": [], "x-real-ip": []}])
def test_who_sent_the_test_is_never_to_be_trusted_where_nothing_arrived(headers):
    found = became(headers)
    assert (found.result, found.next) == (Result.REWRITTEN, "")
    assert found.why == "this proxy, or one before it, drops these headers from peers that it does not trust"


def test_a_proxy_that_appended_is_to_be_declared():
    assert became({"x-forwarded-for": ["1.1.1.1", "192.0.2.10"]}).next.endswith(f"trust add NAME {TRANSLATED}")
