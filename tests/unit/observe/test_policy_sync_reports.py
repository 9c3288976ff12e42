"""Reports that can be believed become lines; everything else is counted by what is wrong with it."""

import json

import pytest

from tests.unit.observe.policy_sync_messages import report, statistic
from unmasq.base.telemetry import Counters
from unmasq.model.address import to_text
from unmasq.model.flowbatch import Evidence, Flag
from unmasq.model.ingress import Chunk, FileIdentity, TimeSource
from unmasq.model.proto.felix_pb2 import DataplaneStats, Protocol
from unmasq.observe.policy_sync.reports import MOST_LINES, MOST_NAMES, MOST_STATISTICS, MOST_UNKNOWN_BYTES, lines_of
from unmasq.read.formats.lines import LineReader
from unmasq.unwind.trust import TrustList, entry
from unmasq.unwind.walk import read_headers, walk


def told(message):
    counters = Counters()
    lines = lines_of(message, "shop/web-1", counters)
    return lines, {(name, reason): count for name, reason, count in counters.rows()}


def test_each_request_is_a_line_that_says_who_reported_it():
    lines, counts = told(report(("1.1.1.1", "", 2), ("", "2001:DB8::7", 1)))
    head = {
        "source_port": 40000, "destination_ip": "10.244.1.10", "destination_port": 80, "source_ip": "198.51.100.9", "protocol": "tcp"
    }  # fmt: skip
    first, second = head | {"x-forwarded-for": "1.1.1.1"}, head | {"x-real-ip": "2001:db8::7"}
    payloads = [json.loads(line.removeprefix(b"unmasq: ")) for line in lines.splitlines()]
    assert payloads == [each | {"reported_by": "shop/web-1"} for each in (first, first, second)]
    assert counts == {}


def test_its_lines_are_read_and_make_nobody_a_client():
    lines, _ = told(report(("", "2.2.2.2", 1)))
    reader = LineReader()
    batch = reader.read(Chunk(FileIdentity(0, 0, "reports"), "reports", 0, lines, live=True), 7)
    assert (batch.reject.tolist(), batch.source_port.tolist(), batch.time_us.tolist()) == ([0], [40000], [7])
    assert batch.time_source.tolist() == [TimeSource.LIVE]
    source = int(batch.source_hi[0]), int(batch.source_lo[0])
    headers = read_headers(reader.vocabulary.text(int(batch.headers[0])))
    trusts = [TrustList(), TrustList([entry("lb", "198.51.100.0/24", name) for name in ("x-real-ip", "x-forwarded-for")])]
    for trust in trusts:
        verdict = walk(source, "kernel", headers, trust)
        assert (verdict.client, verdict.evidence, verdict.flags) == ((0, 0), Evidence.NONE, Flag.OBSCURED)
    assert [to_text(*address) for address in headers.named["x-real-ip"]] == ["2.2.2.2"]


def test_addresses_that_are_not_named_are_counted():
    lines, counts = told(report(("1.1.1.1", "", 1), value=6))
    assert lines.count(b"\n") == 1
    assert counts == {("policy_sync_addresses_not_named", ""): 5}


def test_a_report_that_names_nobody_is_believed_and_gives_nothing():
    assert told(report(value=3)) == (b"", {("policy_sync_addresses_not_named", ""): 3})


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (DataplaneStats(), "address"),
        (report(src_ip="not-an-ip"), "address"),
        (report(dst_ip="::"), "address"),
        (report(src_ip="1.2.3.4" * 1000), "address"),
        (report(src_port=0), "port"),
        (report(src_port=65536), "port"),
        (report(dst_port=-1), "port"),
        (report(protocol=Protocol(name="icmp")), "protocol"),
        (report(protocol=Protocol(number=1)), "protocol"),
        (report(protocol=Protocol()), "protocol"),
        (report(stats=[]), "kind"),
        (report(stats=[statistic(relativity=1, kind=3, value=1)]), "kind"),
        (report(stats=[statistic(relativity=0, kind=4, value=1)]), "kind"),
        (report(stats=[statistic(relativity=1, kind=99, value=1)]), "kind"),
        (report(("1.1.1.1", "", 1), ("1.1.1.2", "", 1), value=1), "count"),
        (report(value=-5), "count"),
    ],
)
def test_what_cannot_be_believed(message, reason):
    lines, counts = told(message)
    assert lines is None
    assert counts[("policy_sync_reports_rejected", reason)] == 1


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        (("1.1.1.1, 2.2.2.2", "", 1), "address"),
        (("unknown", "", 1), "address"),
        (("", "", 1), "address"),
        (("\n", "", 1), "address"),
        (("1.1.1.1", "", -1), "count"),
    ],
)
def test_an_entry_that_names_nobody_is_counted_and_the_others_stay(named, reason):
    lines, counts = told(report(named, ("3.3.3.3", "", 1)))
    assert lines.count(b"\n") == 1
    assert counts == {("policy_sync_claims_rejected", reason): 1}


def test_ports_and_protocols_as_felix_takes_them():
    for protocol in (Protocol(number=6), Protocol(name="TCP")):
        assert b'"protocol": "tcp"' in told(report(("1.1.1.1", "", 1), protocol=protocol))[0]
    assert b'"protocol": "udp"' in told(report(("1.1.1.1", "", 0), protocol=Protocol(number=17)))[0]


def test_one_report_is_at_most_so_many_lines():
    lines, counts = told(report(("1.1.1.1", "", 2**31 - 1), ("1.1.1.2", "", 1)))
    assert lines.count(b"\n") == MOST_LINES
    assert counts == {("policy_sync_requests_dropped", "too_many"): 2**31 - MOST_LINES}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (report(*[("", "", 1)] * (MOST_NAMES + 1)), "too_many_names"),
        (report(("1.1.1.1", "", 1), stats=[statistic()] * (MOST_STATISTICS + 1)), "too_many_statistics"),
        (DataplaneStats.FromString(report().SerializeToString() + b"\xa0\x01\x00" * (MOST_UNKNOWN_BYTES // 3 + 1)), "too_much_unknown"),
    ],
)
def test_a_report_of_too_many_parts_is_not_looked_at(message, reason):
    assert told(message) == (None, {("policy_sync_reports_rejected", reason): 1})


def test_as_many_names_as_a_collector_sends_are_looked_at():
    _, counts = told(report(*[("", "", 1)] * MOST_NAMES))
    assert counts == {("policy_sync_claims_rejected", "address"): MOST_NAMES}


def test_unknown_fields_and_values_are_counted_and_left_out():
    data = report(("1.1.1.1", "", 1)).SerializeToString() + bytes.fromhex("9a06 03 616263") + bytes.fromhex("3200 3202 1863")
    lines, counts = told(DataplaneStats.FromString(data))
    assert lines.count(b"\n") == 1
    assert counts == {("policy_sync_unknown", "field"): 1, ("policy_sync_unknown", "value"): 1}
