"""One line, read the plain way."""

import pytest

from unmasq.model.ingress import Reject
from unmasq.read.formats.record import read_record

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
