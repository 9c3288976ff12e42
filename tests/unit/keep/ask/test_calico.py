import json

import pytest

from unmasq.keep.ask.calico import LISTED, aggregate_name, original_sources, pod_prefix, protocol_name
from unmasq.model.address import NONE, parse


@pytest.mark.parametrize(
    ("address", "name"),
    [("10.0.0.1", "pvt"), ("172.31.255.255", "pvt"), ("172.32.0.1", "pub"), ("192.168.1.1", "pvt"), ("8.8.8.8", "pub"),
     ("fd00::1", "pvt"), ("2001:db8::1", "pub"), ("100.64.0.1", "pub")],
)  # fmt: skip
def test_addresses_of_no_pod_are_private_or_public(address, name):
    assert aggregate_name(*(parse(address) or NONE)) == name


def test_no_address_has_no_name():
    assert aggregate_name(*NONE) == "-"


def test_protocols_have_names_where_they_are_known():
    assert [protocol_name(number) for number in (6, 17, 99)] == ["tcp", "udp", "99"]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"x-real-ip": "192.0.2.1", "x-forwarded-for": "192.0.2.2"}, ["192.0.2.1"]),
        ({"x-real-ip": "-", "x-forwarded-for": "192.0.2.2, 192.0.2.3"}, ["192.0.2.2"]),
        ({"x-real-ip": "unknown", "x-forwarded-for": "192.0.2.2"}, ["192.0.2.2"]),
        ({"x-forwarded-for": "unknown, 192.0.2.3"}, []),
        ({}, []),
    ],
)
def test_the_old_rule(headers, found):
    assert original_sources([json.dumps(headers)]) == found


def test_lists_so_many_and_each_once():
    texts = [json.dumps({"x-real-ip": f"192.0.2.{number % 80}"}) for number in range(200)]
    assert original_sources(texts) == [f"192.0.2.{number}" for number in range(LISTED)]


@pytest.mark.parametrize(
    ("pod", "prefix"),
    [
        ("ingress-nginx-controller-7d5f8c9b4-x2x9k", "ingress-nginx-controller-7d5f8c9b4-*"),
        ("kube-proxy-b5x7z", "kube-proxy-*"),
        ("db-0", "db-*"),
        ("etcd-control-plane", "etcd-control-plane"),
        ("web", "web"),
        ("web-aeiou", "web-aeiou"),
    ],
)
def test_pods_of_one_set_share_a_prefix(pod, prefix):
    assert pod_prefix(pod) == prefix
