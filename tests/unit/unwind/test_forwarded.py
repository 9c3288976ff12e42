"""`Forwarded` as RFC 7239 has it, as proxies write it, and as nobody should."""

import pytest

from unmasq.model.address import parse
from unmasq.unwind.claims import elements, named

ADDRESSES = {
    "for=192.0.2.60;proto=http;by=203.0.113.43": "192.0.2.60",
    "For=192.0.2.60": "192.0.2.60",
    "proto=https ; FOR = 192.0.2.60": "192.0.2.60",
    'for="192.0.2.60:4711"': "192.0.2.60",
    'for="192.0.2.60:_port.1-a"': "192.0.2.60",
    "for=192.0.2.60:4711": "192.0.2.60",
    'for="[2001:db8:cafe::17]:4711"': "2001:db8:cafe::17",
    'for="[2001:db8:cafe::17]:_p"': "2001:db8:cafe::17",
    'for="[2001:db8:cafe::17]"': "2001:db8:cafe::17",
    "for=[2001:db8:cafe::17]": "2001:db8:cafe::17",
    "for=2001:db8:cafe::17": "2001:db8:cafe::17",
    'for="\\1\\9\\2.0.2.60"': "192.0.2.60",
    'for="::ffff:192.0.2.60"': "192.0.2.60",
    ";;for=192.0.2.60;": "192.0.2.60",
    'host="a\\"b, for=6.6.6.6";for=192.0.2.60': "192.0.2.60",
}
NOBODY = [
    "for=unknown",
    "for=_hidden",
    'for="_SEVKISEK"',
    "proto=https",
    "for=",
    'for=""',
    "for",
    "=192.0.2.60",
    "for=192.0.2.60;for=198.51.100.9",
    "for=192.0.2.60;proto=http;Proto=https",
    'for=192.0.2.60;by="',
    'for=192.0.2.60;by="x"y',
    "for=192.0.2.60 by=x",
    'for="192.0.2.60',
    'for="192.0.2.60\\"',
    "for=192.0.2.60\x00",
    "192.0.2.60",
]


@pytest.mark.parametrize(("element", "address"), ADDRESSES.items())
def test_the_parameter_for_names_the_node(element, address):
    assert elements("forwarded", element) == [element]
    assert named("forwarded", element) == parse(address)


@pytest.mark.parametrize("element", NOBODY)
def test_what_is_hidden_missing_or_malformed_names_nobody(element):
    assert named("forwarded", element) is None


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ("for=192.0.2.43, for=198.51.100.17", ["for=192.0.2.43", "for=198.51.100.17"]),
        ("for=192.0.2.43,FOR=_x;by=y\t,  for=unknown", ["for=192.0.2.43", "FOR=_x;by=y", "for=unknown"]),
        (", ,for=192.0.2.43,,", ["for=192.0.2.43"]),
        (",", []),
        ('for=a;host="x, for=6.6.6.6", for=b', ['for=a;host="x, for=6.6.6.6"', "for=b"]),
        ('for=a;host="x\\", for=6.6.6.6;y=\\"", for=b', ['for=a;host="x\\", for=6.6.6.6;y=\\""', "for=b"]),
        ('for="6.6.6.6, for=192.0.2.43', ['for="6.6.6.6', "for=192.0.2.43"]),
        ('for=6.6.6.6;x=", for="[2001:db8::9]:443"', ['for=6.6.6.6;x="', 'for="[2001:db8::9]:443"']),
        ("-", []),
        ("", []),
    ],
)
def test_elements_are_those_that_proxies_wrote(value, raw):
    assert elements("forwarded", value) == raw


def test_a_header_of_nothing_but_commas_and_quotes_is_read_in_one_go():
    """A million bytes of what no proxy writes: slower than linear, this takes minutes."""
    for hostile in (',"' * 500_000, "a=b," * 250_000 + '"', 'a="b,' * 200_000, ';="\\,' * 200_000):
        assert elements("forwarded", hostile)
