"""One interval of lines as reports: their very bytes, the cap, and what is counted."""

import json

import pytest

from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.node.collector.reports import NamedLines, named_lines, reports, summed
from unmasq.read.formats.lines import LineReader

FILE = FileIdentity(1, 2, "3-abc")


def line(forwarded="-", real="-", source="10.0.0.9", port=40000, **others):
    payload = {
        "source_port": port, "destination_ip": "10.244.1.10", "destination_port": 80, "source_ip": source,
        "x-forwarded-for": forwarded, "x-real-ip": real,
    } | others  # fmt: skip
    return b"prefix tigera_secure_ee_ingress: " + json.dumps(payload).encode() + b"\n"


def read(*lines):
    reader = LineReader()
    return named_lines(reader.read(Chunk(FILE, "log", 0, b"".join(lines)), 1), reader.vocabulary)


def told(lines, most=10):
    return list(reports(read(*lines)[0], most))


# Written by hand from the field numbers: tag = number * 8 + wire type.
ONE_INTERVAL = bytes.fromhex(
    "0a08 31302e302e302e39"  # 1: src_ip "10.0.0.9"
    "120b 31302e3234342e312e3130"  # 2: dst_ip "10.244.1.10"
    "18c0b802"  # 3: src_port 40000
    "2050"  # 4: dst_port 80
    "2a05 1203746370"  # 5: protocol { 2: name "tcp" }
    "3206 1001 1804 2802"  # 6: stats { 2: relativity DELTA, 3: kind INGRESS_DATA, 5: value 2 }
    "4a0b 1207322e322e322e32 5002"  # 9: http_data { 2: x_real_ip "2.2.2.2", 10: count 2 }
    "4a0b 0a07312e312e312e31 5001"  # 9: http_data { 1: x_forwarded_for "1.1.1.1", 10: count 1 }
)


def test_a_report_is_these_bytes():
    lines = [line("1.1.1.1", "2.2.2.2"), line("1.1.1.1, 8.8.8.8"), line("9.9.9.9", "2.2.2.2")]
    assert [report.SerializeToString(deterministic=True) for report in told(lines)] == [ONE_INTERVAL]


def test_beyond_the_cap_addresses_are_only_counted():
    [report] = told([line(f"192.0.2.{n}") for n in range(25)])
    assert [data.x_forwarded_for for data in report.http_data] == [f"192.0.2.{n}" for n in range(10)]
    assert report.stats[0].value == 25


def test_requests_are_summed_by_address():
    [report] = told([line(f"192.0.2.{n % 3}") for n in range(25)])
    assert report.stats[0].value == 3
    assert sum(data.count for data in report.http_data) == 25


def test_a_negative_cap_is_none():
    [report] = told([line(f"192.0.2.{n}") for n in range(25)], -1)
    assert len(report.http_data) == report.stats[0].value == 25


def test_the_cap_holds_for_the_whole_controller_and_counts_an_address_once():
    first, second, third = told([
        line("192.0.2.1", port=1), line("192.0.2.2", port=2), line("192.0.2.1", port=2),
        line("192.0.2.3", port=2), line("192.0.2.3", port=3),
    ], 2)  # fmt: skip
    assert [d.x_forwarded_for for d in first.http_data] == ["192.0.2.1"]
    assert [d.x_forwarded_for for d in second.http_data] == ["192.0.2.2", "192.0.2.1"]
    assert second.stats[0].value == 3
    assert not third.http_data
    assert third.stats[0].value == 1


def test_one_address_that_two_headers_name_is_one_entry():
    [report] = told([line("192.0.2.1"), line("-", "192.0.2.1"), line("192.0.2.1")])
    assert [(d.x_real_ip, d.x_forwarded_for, d.count) for d in report.http_data] == [("192.0.2.1", "", 3)]
    assert report.stats[0].value == 1


@pytest.mark.parametrize(
    ("forwarded", "real", "named"),
    [
        ("1.1.1.1, 3.3.3.3", "-", "1.1.1.1"),
        ("1.1.1.1", "unknown", "1.1.1.1"),
        ("unknown, 1.1.1.1", "-", None),
        ("-", "[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:1.2.3.4", "", "1.2.3.4"),
        ("-", "-", None),
    ],
)
def test_which_address_a_line_names(forwarded, real, named):
    found = [data.x_forwarded_for or data.x_real_ip for report in told([line(forwarded, real)]) for data in report.http_data]
    assert found == ([named] if named else [])


def test_what_is_no_report_is_counted():
    lines, passed = read(line("-"), line("1.1.1.1", port=""), line("1.1.1.1", source="unix:"), b"garbage\n", line("1.1.1.1"))
    assert len(lines) == 1
    assert (passed.nameless, passed.without_tuple) == (3, 1)


def test_udp_and_v6_are_named_as_they_are():
    [report] = told([line("2001:db8::7", source="2001:db8::1", destination_ip="2001:db8::2", protocol="udp")])
    assert (report.src_ip, report.dst_ip, report.protocol.name) == ("2001:db8::1", "2001:db8::2", "udp")


def test_chunks_of_an_interval_add_up():
    lines = [line(f"192.0.2.{n % 7}", port=1 + n % 3) for n in range(100)]
    whole = told(lines, -1)
    parts = summed(NamedLines.concat([read(*lines[at : at + 13])[0] for at in range(0, 100, 13)]))
    assert [r.SerializeToString() for r in reports(parts, -1)] == [r.SerializeToString() for r in whole]


def test_an_interval_without_lines_gives_no_report():
    assert told([]) == []
