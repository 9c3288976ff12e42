"""Whoever holds a pod's socket speaks for that pod's proxy and for nobody else's."""

import json

import pytest

from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.model.address import parse, to_text
from unmasq.model.flowbatch import Evidence
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.node.desk import Desk
from unmasq.node.flows import Surroundings
from unmasq.unwind.trust import TrustList, entry

NOW_US = 1_800_000_000_000_000
OWN = frozenset(filter(None, map(parse, ("10.244.1.9", "127.0.0.1"))))
TRUST = TrustList([entry("edge", "203.0.113.20", "x-forwarded-for")], 1)


def line(dest, source="203.0.113.20", headers='"x-forwarded-for": "192.0.2.66"'):
    return f'unmasq: {{"source_port": 4000, "destination_ip": "{dest}", "destination_port": 80, "source_ip": "{source}", {headers}}}\n'


def batch_of(*lines, ends=OWN, counters=None):
    data = "".join(lines).encode()
    desk = Desk(WindowSettings(), counters or Counters(), lambda: Surroundings("n", TRUST), witnessed=False, began_us=0)
    desk.take_lines(Chunk(FileIdentity(1, 1, "v/ab"), "log", 0, data, live=True, pod="other/evil", ends=ends), NOW_US)
    [batch] = desk.close(NOW_US, everything=True)
    return batch


def clients(batch):
    return [to_text(int(hi), int(lo)) for hi, lo in zip(batch.chains.client_hi, batch.chains.client_lo, strict=True)]


def pods(batch):
    return [batch.texts[number] for number in batch.flows.pod.tolist()]


def reported_by(batch):
    return [json.loads(batch.texts[number]).get("reported_by") for number in batch.chains.headers.tolist()]


def test_a_line_for_the_proxy_of_another_pod_makes_nobody_a_client():
    batch = batch_of(line("10.244.1.10"), counters=(counters := Counters()))
    assert (clients(batch), batch.chains.evidence.tolist()) == ([""], [Evidence.NONE])
    assert (pods(batch), reported_by(batch)) == ([""], ["other/evil"])
    claimed = {to_text(int(hi), int(lo)) for hi, lo in zip(batch.addresses.hi, batch.addresses.lo, strict=True)}
    assert "192.0.2.66" in claimed, "it is stored and searchable"
    assert counters.of("lines_foreign") == 1


@pytest.mark.parametrize("headers", ['"x": "1"', '"x-forwarded-for": "1", "x-forwarded-for": "2"'])
def test_nor_does_its_source_whatever_the_line_is(headers):
    assert clients(batch_of(line("10.244.1.10", "198.51.100.9", headers))) == [""]


@pytest.mark.parametrize("ends", [OWN, None])
def test_its_own_lines_are_judged_as_any_line(ends):
    batch = batch_of(line("10.244.1.9"), line("127.0.0.1"), ends=ends)
    assert (clients(batch), pods(batch), reported_by(batch)) == (["192.0.2.66"] * 2, ["other/evil"] * 2, [None] * 2)


def test_where_nothing_is_known_of_the_pod_it_is_believed():
    batch = batch_of(line("10.244.1.10"), ends=None)
    assert (clients(batch), pods(batch)) == (["192.0.2.66"], ["other/evil"])


def test_a_report_of_the_connection_of_another_pod_says_whose_it_is_and_is_counted():
    told = '"x-real-ip": "192.0.2.66", "reported_by": "other/evil"'
    batch = batch_of(line("10.244.1.10", headers=told), line("10.244.1.9", headers=told), counters=(counters := Counters()))
    assert (clients(batch), reported_by(batch)) == (["", ""], ["other/evil"] * 2)
    assert sorted(pods(batch)) == ["", "other/evil"]
    assert counters.of("lines_foreign") == 1


def test_each_line_by_itself_and_all_keep_their_place():
    mixed = [line("10.244.1.10"), line("10.244.1.9"), line("-"), "no marker\n", line("10.244.1.10", "unix:")]
    batch = batch_of(*mixed, counters=(counters := Counters()))
    assert sorted(zip(clients(batch), pods(batch), strict=True)) == [("", ""), ("192.0.2.66", "other/evil"), ("192.0.2.66", "other/evil")]
    assert counters.of("lines_foreign") == 1
    assert batch.covered() == {FileIdentity(1, 1, "v/ab"): [(0, len("".join(mixed)))]}
