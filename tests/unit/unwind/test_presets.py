"""What presets declare: a walk over what such a proxy really writes finds the client, and nothing wider than it needs is believed."""

import pytest

from unmasq.base.errors import UsageError
from unmasq.model.address import NONE, parse, parse_range
from unmasq.model.flowbatch import Flag
from unmasq.unwind.presets import Preset, aws_alb, cdn, google_lb
from unmasq.unwind.trust import TrustList
from unmasq.unwind.walk import Headers, Verdict, walk

CLIENT, FORGED = "198.51.100.10", "1.1.1.1"


def behind(preset: Preset, source: str, **named: str) -> Verdict:
    """A request from `source`; header names with underscores."""
    claims = {name.replace("_", "-"): [parse(each) or NONE for each in value.split(", ")] for name, value in named.items()}
    headers = Headers(claims, frozenset(claims) | {"x-forwarded-for"}, frozenset())
    return walk(parse(source) or NONE, "kernel", headers, TrustList(preset.entries))


def test_behind_google_the_rule_is_walked_over_and_the_client_is_before_it():
    lb = google_lb("lb", ["203.0.113.100"])
    assert behind(lb, "35.191.7.7", x_forwarded_for=f"{FORGED}, {CLIENT}, 203.0.113.100").client == parse(CLIENT)
    assert behind(lb, "130.211.1.1", x_forwarded_for=f"{CLIENT}, 203.0.113.100").client == parse(CLIENT)
    assert behind(lb, "198.51.100.66", x_forwarded_for=f"{FORGED}, 203.0.113.100").client == parse("198.51.100.66")
    assert behind(lb, "35.191.7.7").flags == Flag.ALL_TRUSTED, "its health checks"


def test_google_may_write_any_address_of_the_network_of_a_rule_for_ipv6():
    lb = google_lb("lb", ["2001:db8:100:1::"])
    assert behind(lb, "2600:2d00:1:b029::9", x_forwarded_for="2001:db8::10, 2001:db8:100:1::8000").client == parse("2001:db8::10")


@pytest.mark.parametrize("rules", [[], ["203.0.113.0/24"], ["2001:db8::/48"]])
def test_google_needs_the_address_of_a_rule(rules):
    with pytest.raises(UsageError):
        google_lb("lb", rules)


def test_the_nodes_of_a_load_balancer_of_aws_are_in_its_subnets():
    alb = aws_alb("alb", ["10.0.4.0/27", "10.0.5.0/24", "2001:db8:0:4::/64"])
    assert behind(alb, "10.0.4.9", x_forwarded_for=f"{FORGED}, {CLIENT}").client == parse(CLIENT)
    assert behind(alb, "10.0.6.9", x_forwarded_for=CLIENT).client == parse("10.0.6.9"), "a pod of the same VPC"


@pytest.mark.parametrize("subnet", ["10.0.0.0/16", "172.31.0.0/19", "2001:db8::/56", "0.0.0.0/0"])
def test_a_vpc_is_refused(subnet):
    with pytest.raises(UsageError, match="looks like a whole VPC"):
        aws_alb("alb", ["10.0.4.0/24", subnet])


def test_a_network_is_believed_for_its_header_alone_and_nobody_who_comes_around_it_is():
    network = cdn("cdn", [parse_range("192.0.2.0/24"), parse_range("2001:db8:cd::/48")], "CF-Connecting-IP")
    assert behind(network, "192.0.2.7", x_forwarded_for=FORGED, cf_connecting_ip=CLIENT).client == parse(CLIENT)
    assert behind(network, "198.51.100.66", cf_connecting_ip=FORGED).client == parse("198.51.100.66")
    assert any("cf-connecting-ip" in sentence for sentence in network.missing)
    with pytest.raises(UsageError, match="unknown header"):
        cdn("cdn", [parse_range("192.0.2.0/24")], "x-client")
