"""Headers of which the proxy recorded the last lines only: the walk goes as far as they do, and then knows nobody."""

import json

import pytest

from tests.property.test_walk import columns
from unmasq.model.address import NONE, parse, to_text
from unmasq.model.flowbatch import Evidence, Flag
from unmasq.unwind.claims import claims_of
from unmasq.unwind.judge import judge
from unmasq.unwind.trust import TrustList, entry
from unmasq.unwind.walk import read_headers, walk

EDGE, CDN, CLIENT = "203.0.113.20", "192.0.2.8", "198.51.100.10"
TRUST = TrustList([entry("edge", EDGE), entry("cdn", CDN), entry("cdn", CDN, "x-real-ip")])
WHOLE, PARTLY, UNTOLD = "-", "x-forwarded-for:2048;x-real-ip:64", "x-forwarded-for:0;forwarded:0;x-real-ip:0"


def judged(captured: str, start: str = EDGE, **headers: str) -> tuple[str, Flag]:
    text = json.dumps({name.replace("_", "-"): value for name, value in headers.items()} | {"captured": captured})
    verdict = walk(parse(start) or NONE, "kernel", read_headers(text), TRUST)
    of_columns = judge(*columns([(start, text, False)]), claims_of([text]), TRUST)
    assert (int(of_columns.client_hi[0]), int(of_columns.client_lo[0]), int(of_columns.flags[0])) == (*verdict.client, verdict.flags)
    assert (verdict.client == NONE) == (verdict.evidence == Evidence.NONE)
    return to_text(*verdict.client), verdict.flags


@pytest.mark.parametrize("captured", [WHOLE, PARTLY])
@pytest.mark.parametrize("value", [CLIENT, f"1.1.1.1, {CLIENT}", f"1.1.1.1, {CLIENT}, {CDN}"])
def test_what_the_last_line_names_is_right(captured, value):
    assert judged(captured, x_forwarded_for=value) == (CLIENT, Flag(0))


@pytest.mark.parametrize(("captured", "expected"), [(WHOLE, (CDN, Flag.ALL_TRUSTED)), (PARTLY, ("", Flag.OBSCURED))])
def test_nobody_is_known_where_it_names_trusted_proxies_only(captured, expected):
    assert judged(captured, x_forwarded_for=CDN, x_real_ip="-") == expected
    assert judged(captured, x_forwarded_for=f"{CDN}, {EDGE}", x_real_ip="-") == expected


@pytest.mark.parametrize(("captured", "expected"), [(WHOLE, (EDGE, Flag.ALL_TRUSTED)), (PARTLY, ("", Flag.OBSCURED))])
def test_no_line_at_all(captured, expected):
    assert judged(captured, x_forwarded_for="-") == expected


def test_another_header_does_not_stand_in_for_lines_that_are_missing():
    assert judged(WHOLE, CDN, x_forwarded_for="-", x_real_ip="9.9.9.9") == ("9.9.9.9", Flag(0))
    assert judged(PARTLY, CDN, x_forwarded_for="-", x_real_ip="9.9.9.9") == ("", Flag.OBSCURED)


@pytest.mark.parametrize(("most", "expected"), [(len(CLIENT), ("", Flag.OBSCURED)), (len(CLIENT) + 1, (CLIENT, Flag(0)))])
def test_a_value_as_long_as_its_capture_is_cut(most, expected):
    assert judged(f"x-forwarded-for:{most}", x_forwarded_for=CLIENT) == expected


@pytest.mark.parametrize("captured", [UNTOLD, "x-forwarded-for", "x-forwarded-for:", "x-forwarded-for:x", "x-forwarded-for:-1"])
def test_a_capture_of_unknown_length_is_believed_for_nothing(captured):
    assert judged(captured, x_forwarded_for=CLIENT) == ("", Flag.OBSCURED)


def test_who_connected_is_known_whatever_was_captured():
    assert judged(UNTOLD, CLIENT, x_forwarded_for="1.1.1.1") == (CLIENT, Flag(0))
