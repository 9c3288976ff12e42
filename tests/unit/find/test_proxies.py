"""When a client is called a proxy, and a proxy is said to speak for one client only."""

import pytest

from unmasq.find.answer import Lonely, Pointers, Undeclared
from unmasq.find.check import State
from unmasq.find.proxies import checks, entry_of, pointers
from unmasq.keep.shapes import Bearer, Proxies, Relay
from unmasq.unwind.trust import TrustList, entry

TRUST = TrustList([entry("lb", "10.0.0.0/28"), entry("lb", "10.0.1.1"), entry("cdn", "192.0.2.0/24", "cf-connecting-ip")], 3)


def bearers(*some: tuple[str, int, int]) -> list[Undeclared]:
    return pointers(Proxies(9, [Bearer(*each) for each in some], []), TRUST).undeclared


def relays(*some: tuple[str, int, str, int]) -> list[Lonely]:
    return pointers(Proxies(9, [], [Relay(*each) for each in some]), TRUST).lonely


def test_claims_count_once_a_request_and_those_of_declared_proxies_not_at_all():
    assert bearers(
        ("10.0.9.9", 14_032, 15_000), ("10.0.0.9", 500, 400), ("10.0.9.8", 21, 400), ("10.0.9.7", 20, 400), ("10.0.9.6", 99, 20)
    ) == [
        Undeclared("10.0.9.9", 14_032),
        Undeclared("10.0.9.8", 21),
    ]


@pytest.mark.parametrize(
    ("requests", "of_one", "is_lonely"), [(1000, 901, True), (1000, 900, False), (100, 100, True), (99, 99, False), (1000, 500, False)]
)
def test_nearly_all_of_enough_requests_are_of_one_client(requests, of_one, is_lonely):
    found = relays(("10.0.0.3", requests, "203.0.113.7", of_one))
    assert found == ([Lonely("lb", "x-forwarded-for", requests, "203.0.113.7", of_one)] if is_lonely else [])


def test_the_machines_of_one_proxy_are_taken_together():
    assert relays(("10.0.0.3", 60, "203.0.113.7", 60), ("10.0.1.1", 50, "203.0.113.7", 49)) == [
        Lonely("lb", "x-forwarded-for", 110, "203.0.113.7", 109)
    ]
    assert relays(("10.0.0.3", 200, "203.0.113.7", 200), ("10.0.1.1", 200, "203.0.113.8", 200)) == []
    assert relays(("198.51.100.3", 200, "203.0.113.7", 200)) == [], "whom nobody trusts now"


def test_the_doctor_names_a_few_and_counts_the_rest():
    (check,) = checks(Pointers([Undeclared(f"10.0.9.{n}", 14_032 - n) for n in range(5)], []))
    assert check.state == State.WARN
    assert check.seen == (
        "10.0.9.0 (14,032 claims), 10.0.9.1 (14,031 claims), 10.0.9.2 (14,030 claims) and 2 more look like proxies"
        " that you have not declared"
    )
    assert check.next.endswith("unmasq config trust add NAME 10.0.9.0")
    assert checks(Pointers([], [])) == []


def test_an_address_is_called_by_the_declaration_for_the_header_that_it_wrote():
    trust = TrustList([entry("edge-lb", "203.0.113.20"), entry("edge-pp", "203.0.113.20", "proxy-protocol")])
    found = {header: entry_of("203.0.113.20", trust, header) for header in ("x-forwarded-for", "proxy-protocol", None)}
    assert {header: each and each.name for header, each in found.items()} == {
        "x-forwarded-for": "edge-lb", "proxy-protocol": "edge-pp", None: "edge-pp",
    }  # fmt: skip
