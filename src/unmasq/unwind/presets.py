"""What to declare for kinds of proxies that many have, from what only their user knows, and what declaring alone does not do."""

from collections.abc import Sequence
from dataclasses import dataclass

from unmasq.base.errors import UsageError
from unmasq.model.address import Range, parse_range
from unmasq.unwind.trust import TrustEntry, entry

GOOGLE_RANGES = ("35.191.0.0/16", "130.211.0.0/22", "2600:2d00:1:1::/64", "2600:2d00:1:b029::/64")
"""Whence Google's global and classic application load balancers speak to backends (cloud.google.com/load-balancing/docs/firewall-rules)."""

_WIDEST_SUBNET = {4: 20, 6: 64}
"""A subnet of a load balancer needs a /27 (or has a /64), and one of AWS's default VPC has a /20; a VPC mostly has a /16 (or a /56)."""
_V6_RULE_BITS = 64
"""Google gives a rule for IPv6 a /64, listens on all of it, and may write any address of it."""


@dataclass(frozen=True)
class Preset:
    """The entries of one proxy, and what its user still has to see to, in sentences."""

    entries: list[TrustEntry]
    missing: list[str]


def aws_alb(name: str, subnets: Sequence[str]) -> Preset:
    """An application load balancer of AWS: its nodes have addresses in its subnets. Raises UsageError for a VPC."""
    if not subnets:
        next_step = "its page in the console names its subnets, or: aws elbv2 describe-load-balancers; then --subnet RANGE for each"
        raise UsageError("which subnets is the load balancer in?", "its nodes have their addresses there", next_step)
    ranges = [_subnet(text) for text in subnets]
    alone = "everything else in these subnets is believed as well, pods too where they have addresses of the VPC"
    return Preset([TrustEntry(name, each) for each in ranges], [
        f"{alone}: give the load balancer subnets of its own",
        "its attribute routing.http.xff_header_processing.mode must be append, as it is by default: with preserve every client is believed",
        "a network load balancer writes no header: do not declare it, keep the client's address on it or use the PROXY protocol",
    ])  # fmt: skip


def google_lb(name: str, rules: Sequence[str]) -> Preset:
    """A global or classic application load balancer of Google: it appends the client and the rule's own address. Raises UsageError."""
    if not rules:
        next_step = "gcloud compute forwarding-rules list shows it; then --forwarding-rule ADDRESS for each"
        why = "the load balancer appends it to X-Forwarded-For behind the client: undeclared, it would be taken for the client"
        raise UsageError("which address does its forwarding rule have?", why, next_step)
    ranges = [*map(parse_range, GOOGLE_RANGES), *(_rule(text) for text in rules)]
    return Preset([TrustEntry(name, each) for each in ranges], [
        "every other forwarding rule that leads here needs its address declared too, one for IPv6 as well",
        "the firewall should let nobody but Google's ranges reach the backends",
        "a regional or internal one speaks from its proxy-only subnet: unmasq config trust add NAME SUBNET RULE-ADDRESS instead",
    ])  # fmt: skip


def cdn(name: str, ranges: Sequence[Range], header: str) -> Preset:
    """A content delivery network that writes `header`, by the ranges that it publishes. Raises UsageError for an unknown header."""
    known = entry(name, ranges[0].text, header).header
    missing = [
        "ranges change: when the network publishes new ones, give the new file in the same way, which replaces these",
        "clients that come around the network are known by their own address; to keep them out is the firewall's task",
        "other customers of the network can send through it too: a secret or certificate between it and you keeps them out",
        "a load balancer between the network and you must be declared by itself",
    ]
    if known not in ("x-forwarded-for", "x-real-ip"):
        missing.append(f"the proxy's log must hold the header: the key {known!r} in the format, beside those of unmasq config template")
    return Preset([TrustEntry(name, each, known) for each in ranges], missing)


def _subnet(text: str) -> Range:
    subnet = parse_range(text)
    if subnet.bits < _WIDEST_SUBNET[subnet.version]:
        why = f"everybody in it could name any client, and no subnet of a load balancer is wider than /{_WIDEST_SUBNET[subnet.version]}"
        raise UsageError(f"{subnet.text} looks like a whole VPC", why, "name the subnets of the load balancer, each with --subnet")
    return subnet


def _rule(text: str) -> Range:
    rule = parse_range(text)
    if rule.version == 6 and rule.bits >= _V6_RULE_BITS:
        return parse_range(f"{rule.text.partition('/')[0]}/{_V6_RULE_BITS}")
    if not rule.is_single:
        why = "the load balancer writes the one address that its clients connect to"
        raise UsageError(f"{rule.text} is not the address of a forwarding rule", why, "gcloud compute forwarding-rules list shows it")
    return rule
