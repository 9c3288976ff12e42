"""One line, read the plain way."""

import pytest

from unmasq.model.ingress import Reject
from unmasq.read.formats.record import UNTOLD_CAPTURES, read_record

COMBINED = '6.6.6.6 - - [24/Nov/2026:10:59:00 +0000] "GET {uri} HTTP/1.1" 200 1 "-" "{agent}"'
MARKER = "tigera_secure_ee_ingress: "


@pytest.mark.parametrize("value", [MARKER, MARKER + r"{\x22a\x22: 1}", MARKER.strip(), "unmasq: x"])
@pytest.mark.parametrize("field", ["uri", "agent"])
def test_nobody_hides_in_a_log_without_our_marker_by_sending_one(value, field):
    line = COMBINED.format(**({"uri": "/", "agent": "curl"} | {field: value.replace(" ", "") if field == "uri" else value}))
    record = read_record(line.encode())
    assert (record.reject, record.fields["prefix"]) == (Reject.NONE, b"6.6.6.6")
    assert "source_ip" not in record.fields


def test_a_line_that_was_cut_behind_its_marker_is_no_line_without_one():
    record = read_record((COMBINED.format(uri="/", agent="curl") + " " + MARKER).encode())
    assert record.reject is Reject.NO_PAYLOAD


@pytest.mark.parametrize("before", ["haproxy: ", "haproxy[77]: ", "2026-11-27T10:00:00+00:00 router-default-x haproxy[77]: "])
def test_a_line_of_haproxy_that_does_not_say_what_it_captured_captured_parts(before):
    payload = 'unmasq: {"source_ip": "192.0.2.7", "x-forwarded-for": "1.1.1.1"}'
    assert read_record((before + payload).encode()).fields["captured"] == UNTOLD_CAPTURES
    said = payload.replace("}", ', "captured": "x-forwarded-for:64"}')
    assert read_record((before + said).encode()).fields["captured"] == b"x-forwarded-for:64"
    assert "captured" not in read_record((before.replace("haproxy", "nginx") + payload).encode()).fields
