"""Messages of syslog: text, time and what is wrong with them."""

import pytest

from unmasq.model.ingress import Reject
from unmasq.read.syslog import Message, messages

READ_US = 1_795_821_263_500_000  # 2026-11-27 23:14:23.5 UTC
SECOND = 1_000_000
LINE = b'unmasq: {"source_port": "4711"}'


def only(datagram: bytes, read_us: int = READ_US, *, is_cut: bool = False) -> Message:
    (message,) = messages(datagram, read_us, is_cut=is_cut)
    return message


@pytest.mark.parametrize("end", [b"", b"\n", b"\0", b"\r\n", b"\n\0"])
@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"<134>",
        b"<134>Nov 27 23:14:23 ",
        b"<134>Nov  7 23:14:23 nginx: ",
        b"<134>Nov 27 23:14:23 edge nginx[77]: ",
        b"<134>Nov 27 23:14:23 2001:db8::1 nginx[77]: ",
        b"<134>Nov 27 23:14:23 edge ",
        b"<134>1 2026-11-27T23:14:23Z edge nginx 77 - - ",
        b'<134>1 2026-11-27T23:14:23Z edge nginx - ID47 [a@1 x="1\\]" y=""][b@2] ',
        b"<134>1 - - - - - - \xef\xbb\xbf",
    ],
)
def test_the_text_is_what_stands_behind_the_header(header, end):
    assert only(header + LINE + end)[::2] == (LINE, Reject.NONE)


@pytest.mark.parametrize(
    "header", [b"<134>Nov 27 23:14:23 haproxy[7]: ", b"<134>Nov 27 23:14:23 edge haproxy: ", b"<134>1 - edge haproxy 7 - - "]
)
def test_the_name_of_haproxy_stays(header):
    assert only(header + LINE).text == b"haproxy: " + LINE


@pytest.mark.parametrize("text", [b"198.51.100.7 - - [x] y", b"2001:db8::7 - - [x] y", b"", b"no: tag"])
def test_a_text_without_a_header_is_taken_as_it_is(text):
    assert only(text) == (text, 0, Reject.NONE)


@pytest.mark.parametrize("text", [b"198.51.100.7 - - [x] y", b"2001:db8::7 - - [x] y"])
def test_a_prefix_is_no_tag(text):
    assert only(b"<190>Nov 27 23:14:23 " + text).text == text


def test_the_time_of_rfc_5424_is_exact():
    stamp = b"<134>1 2026-11-28T00:14:23.123456+01:00 h a - - - x"
    assert only(stamp).time_us == READ_US - 500_000 + 123_456
    assert [only(stamp.replace(b"+01:00", zone)).time_us for zone in (b"", b"Q", b"+99:00")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("stamp", "later_us", "expected_us"),
    [
        ("Nov 27 23:14:23", 500_000, 500_000),  # within the second: no later than now
        ("Nov 27 23:14:23", 2 * SECOND, SECOND - 1),  # the end of the second that it names
        ("Nov 28 04:59:23", 7 * 60 * SECOND, SECOND - 1),  # a zone of 5:45
        ("Nov 27 18:44:23", SECOND, SECOND - 1),  # one of -4:30
        ("Nov 27 23:14:23", -3 * SECOND, 0),  # a sender whose clock is ahead
        ("Jan  1 00:14:23", 60 * SECOND, SECOND - 1),
    ],
)
def test_a_time_without_a_zone_is_the_one_next_to_the_reading(stamp, later_us, expected_us):
    second = READ_US - 500_000
    assert only(f"<134>{stamp} haproxy[7]: x".encode(), second + later_us).time_us == second + expected_us


def test_several_messages_in_one_datagram():
    stamped = b"<134>Nov 27 23:14:23 nginx: "
    found = list(messages(stamped + b"a\n" + stamped + b"b\r\n\nc\n\0", READ_US))
    assert [message.text for message in found] == [b"a", b"b", b"", b"c"]
    assert [bool(message.time_us) for message in found] == [True, True, False, False]


@pytest.mark.parametrize("datagram", [b"", b"\n", b"\0", b"<134>", b"<134>Nov 27 23:14:23 nginx: \n"])
def test_a_datagram_without_a_line_is_a_blank_one(datagram):
    assert only(datagram).text.strip() == b""


def test_what_the_sender_cut_is_too_long():
    assert only(b"<134>Nov 27 23:14:23 haproxy[7]: " + LINE[:-3]).reject is Reject.TOO_LONG
    assert only(b"<134>Nov 27 23:14:23 nginx: unmasq: not a payload").reject is Reject.NONE
    assert only(LINE + b"  ").reject is Reject.NONE


def test_what_we_cut_is_the_last_message_of_a_datagram():
    assert [message.reject for message in messages(LINE + b"\n" + LINE, READ_US, is_cut=True)] == [Reject.NONE, Reject.TOO_LONG]
