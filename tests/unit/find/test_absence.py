"""Six reasons why there is nothing to see, each with its own words."""

from dataclasses import replace

import pytest
from msgspec import structs

from unmasq.base.clock import DAY_US, MICROSECONDS
from unmasq.base.moments import text
from unmasq.find.absence import absence
from unmasq.find.answer import Pointers, Trace
from unmasq.find.completeness import Window, completeness
from unmasq.keep.shapes import Health, NodeWithin, Within
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter

NOW_US = 1_800_000_000_000_000
DATA = Health(1, 10, NOW_US - MICROSECONDS, NOW_US - 3 * DAY_US, 10, 10, {}, 0, 0)
EMPTY = Health(0, 0, None, None, 0, 0, {}, 0, 0)
ANY = FlowFilter()
WINDOW = FlowFilter(since_us=NOW_US - DAY_US)


def unseen(address: str, data: Health = DATA, last_seen_us: int | None = None) -> Trace:
    last_seen = None if last_seen_us is None else text(last_seen_us)
    return Trace(
        address=address, name=None, found=False, since=None, until=None, first_seen=last_seen, last_seen=last_seen, roles=[], direct=[],
        forwarded=[], logged=0, claimed=[], carried=[], undeclared=[], paths=[], complete=True, unlisted=0, clients=[], near=None,
        beside=Pointers([], []), data=data,
    )  # fmt: skip


def why(trace: Trace, wanted: FlowFilter = ANY) -> tuple[str, str]:
    found = absence(trace, parse_range(trace.address), wanted, NOW_US)
    return found.kind, found.why


def test_an_empty_store_is_said_first():
    assert why(unseen("10.0.0.1", EMPTY))[0] == "empty"


def test_never_seen_says_what_is_kept():
    kind, told = why(unseen("8.8.8.8"))
    assert kind == "never"
    assert "2027-01-12 08:00:00Z to 2027-01-15 07:59:59Z" in told


def test_outside_of_the_window_says_when():
    assert why(unseen("8.8.8.8", last_seen_us=NOW_US - 2 * DAY_US), WINDOW) == (
        "outside",
        "Not in this window, but outside of it: last seen 2 days ago.",
    )


def test_a_filter_is_blamed_where_there_is_one():
    assert why(unseen("8.8.8.8", last_seen_us=NOW_US - 5), replace(WINDOW, host=("a",)))[0] == "filtered"


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.0.0/16", "fd00::1", "127.0.0.1", "198.51.100.10"])
def test_private_and_reserved_space_is_called_that(address):
    assert why(unseen(address))[0] == "own"


def test_what_may_be_missing_in_the_window_stands_beside_it():
    known = completeness(Within({"a": NodeWithin(0, 0, 0, NOW_US - DAY_US)}, {}, 0, 0), {}, {}, Window(None, None, NOW_US))
    trace = structs.replace(unseen("8.8.8.8"), completeness=known)
    [doubt] = absence(trace, parse_range("8.8.8.8"), ANY, NOW_US).doubts
    assert "is a collector silent?" in doubt
