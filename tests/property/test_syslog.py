"""Messages of syslog: never raise, give a line for each line, and give back what a sender put behind a header."""

from hypothesis import example, given
from hypothesis import strategies as st

from unmasq.model.ingress import Reject
from unmasq.read.syslog import messages

READ_US = 1_795_821_263_500_000
HALF_ZONE_US = 451 * 1_000_000

name = st.text("abcdefghij-0123456789", min_size=1, max_size=12).map(str.encode)
text = st.binary(max_size=60).filter(lambda raw: b"\n" not in raw and raw.rstrip(b"\r\0") == raw)
stamp = st.datetimes().map(lambda time: time.strftime("%b %e %H:%M:%S").encode())
old = st.builds(
    lambda time, host, tag, pid: b"<134>%s %s%s%s: " % (time, host, tag, pid),
    stamp,
    st.one_of(st.just(b""), name.map(lambda host: host + b" ")),
    name,
    st.sampled_from([b"", b"[7]"]),
)
new = st.builds(
    lambda host, tag, data: b"<134>1 2026-11-27T23:14:23.5Z %s %s 7 - %s " % (host, tag, data),
    name,
    name,
    st.sampled_from([b"-", b"[a]", b'[a@1 x="]"]', b'[a x="\\""][b y="z"]']),
)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_a_message_for_every_line(raw, is_cut):
    found = list(messages(raw, READ_US, is_cut=is_cut))
    assert len(found) == raw.rstrip(b"\n\r\0").count(b"\n") + 1
    assert not any(b"\n" in message.text for message in found)
    assert (found[-1].reject is Reject.TOO_LONG) >= is_cut


@given(st.lists(st.tuples(st.one_of(old, new), text.filter(bool)), min_size=1, max_size=5))
@example([(b"<134>Jan  1 00:00:00 cafe: ", b"x:")])
def test_every_text_comes_back_whatever_its_header(some):
    found = list(messages(b"\n".join(header + body for header, body in some), READ_US))
    bodies = [body.removeprefix(b"\xef\xbb\xbf") if header.startswith(b"<134>1 ") else body for header, body in some]
    assert [message.text for message in found] == bodies


@given(old, st.integers(0, 1 << 51))
def test_a_time_without_a_zone_is_near_the_reading(header, read_us):
    (message,) = messages(header + b"x", read_us)
    assert abs(message.time_us - read_us) <= HALF_ZONE_US
