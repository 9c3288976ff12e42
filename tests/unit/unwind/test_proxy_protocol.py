"""A PROXY address beside the header that the start is trusted for: both must name the same hop."""

import json

import pytest

from unmasq.model.address import parse, to_text
from unmasq.model.flowbatch import Flag
from unmasq.unwind.trust import TrustList, entry
from unmasq.unwind.walk import read_headers, walk

EDGE, OTHER, CLIENT = "203.0.113.20", "192.0.2.8", "198.51.100.10"


@pytest.mark.parametrize(
    ("forwarded", "client", "flags"),
    [
        (f"{OTHER}, {CLIENT}", CLIENT, Flag(0)),
        (f"{CLIENT}, {OTHER}", "", Flag.HEADER_CONFLICT),  # the client chose what stands left-most
    ],
)
def test_the_right_most_element_is_the_one_that_the_proxy_address_must_equal(forwarded, client, flags):
    start = parse(EDGE)
    assert start is not None
    headers = read_headers(json.dumps({"x-forwarded-for": forwarded, "proxy-protocol": CLIENT}))
    verdict = walk(start, "kernel", headers, TrustList([entry("edge", EDGE)]))
    assert (to_text(*verdict.client), verdict.flags) == (client, flags)
