"""Lines in frames, as containerd and CRI-O write them, and the rows that they become."""

import pytest

from unmasq.base.telemetry import Counters
from unmasq.model.address import to_text
from unmasq.model.ingress import Chunk, FileIdentity, Reject, Shape, TimeSource
from unmasq.read.cri import Unframer
from unmasq.read.formats.lines import LineReader

FILE = FileIdentity(1, 1, "x")
EIGHT_US = 1_795_593_600_000_000  # 2026-11-25T08:00:00Z
READ_US = EIGHT_US + 60_000_000
PAYLOAD = b'unmasq: {"source_port": 4, "destination_ip": "10.0.0.1", "destination_port": 80, "source_ip": "192.0.2.7"'
TIMED = PAYLOAD + b', "ts": "1795593601.250"}'
UNTIMED = PAYLOAD + b"}"
COMBINED = b'192.0.2.8 - - [25/Nov/2026:08:00:02 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8"'


def read(data):
    """The rows of a log."""
    (whole,) = Unframer(Counters(), is_framed=True).take(Chunk(FILE, "0.log", 0, data, live=True))
    reader = LineReader()
    return reader.read(whole, READ_US), reader


@pytest.mark.parametrize(
    ("frame", "line", "time_us", "source"),
    [
        (b"2026-11-25T08:00:00.123456789Z stdout F ", TIMED, EIGHT_US + 1_250_000, TimeSource.LINE),
        (b"2026-11-25T08:00:00.123456789Z stdout F ", COMBINED, EIGHT_US + 2_000_000, TimeSource.LINE),
        (b"2026-11-25T08:00:00.123456789Z stdout F ", UNTIMED, EIGHT_US + 123_456, TimeSource.LOG),
        (b"2026-11-25T08:00:00.1234Z stdout F ", UNTIMED, EIGHT_US + 123_400, TimeSource.LOG),  # zeros at the end are left out
        (b"2026-11-25T08:00:00Z stdout F ", UNTIMED, EIGHT_US, TimeSource.LOG),
        (b"2026-11-25T09:00:00.5+01:00 stdout F ", UNTIMED, EIGHT_US + 500_000, TimeSource.LOG),  # CRI-O writes local time
        (b"2026-11-24T22:30:00.000000001-09:30 stdout F:more ", UNTIMED, EIGHT_US, TimeSource.LOG),
        (b"2026-13-25T08:00:00Z stdout F ", UNTIMED, READ_US, TimeSource.LIVE),
        (b"2026-11-25T08:30:00Z stdout F ", UNTIMED, READ_US, TimeSource.LIVE),  # later than now
    ],
)
def test_a_frame_gives_its_time_to_a_line_that_has_none(frame, line, time_us, source):
    rows, _ = read(frame + line + b"\n")
    assert (rows.time_us.tolist(), rows.time_source.tolist()) == ([time_us], [source])
    assert (rows.start.tolist(), rows.end.tolist()) == ([0], [len(frame + line) + 1])
    assert to_text(int(rows.source_hi[0]), int(rows.source_lo[0])) == ("192.0.2.7" if b"unmasq" in line else "")


def test_a_time_in_the_future_is_counted():
    _, reader = read(b"2026-11-25T08:30:00Z stdout F " + UNTIMED + b"\n")
    assert reader.counts()["lines_time_replaced", "future"] == 1


def test_a_line_in_parts_is_one_row_and_its_neighbours_are_rows_of_their_own():
    stamp = b"2026-11-25T08:00:00Z"
    data = b"".join([
        stamp + b" stdout P " + UNTIMED[:50] + b"\n",
        stamp + b" stderr F [error] worker exited\n",
        stamp + b" stdout P " + UNTIMED[50:70] + b"\n",
        stamp + b" stdout F " + UNTIMED[70:] + b"\n",
        stamp + b" stdout F " + TIMED + b"\n",
    ])  # fmt: skip
    rows, _ = read(data)
    assert rows.reject.tolist() == [Reject.NO_ADDRESS, Reject.NONE, Reject.NONE]
    assert rows.source_port.tolist() == [0, 4, 4]


def test_a_line_without_a_frame_gives_no_address_even_if_it_names_one():
    rows, _ = read(UNTIMED + b"\n")
    assert rows.reject.tolist() == [Reject.NO_FRAME]
    assert (rows.source_lo.tolist(), rows.headers.tolist()) == ([0], [0])


STAMP = b"2026-11-25T08:00:00Z stderr "
CADDY = b'{"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.9","remote_port":"4","headers":{}}}'
IN_ERROR_LOG = (
    b'2026/11/25 08:00:00 [error] 7#7: *4 open() "/srv/y' + UNTIMED + b'" failed (2: No such file or directory), client: 192.0.2.66'
)


@pytest.mark.parametrize("line", [UNTIMED, COMBINED, COMBINED + b" " + UNTIMED, IN_ERROR_LOG, b"{} " + UNTIMED, CADDY])
@pytest.mark.parametrize("cut", [None, 30])
def test_what_a_client_wrote_into_an_error_log_is_no_line_of_an_access_log(line, cut):
    """nginx wrote the path of `GET /x%0Atigera_secure_ee_ingress...` to its stderr as it came, newlines and quotes too."""
    parts = [STAMP + b"P " + line[:cut] + b"\n", STAMP + b"F " + line[cut:] + b"\n"] if cut else [STAMP + b"F " + line + b"\n"]
    rows, _ = read(b"".join(parts))
    assert rows.reject.tolist() == [Reject.ERROR_STREAM]
    assert (rows.source_lo.tolist(), rows.headers.tolist()) == ([0], [0])


def test_a_line_of_an_error_log_whose_rest_never_came():
    unframer = Unframer(Counters(), is_framed=True)
    assert not list(unframer.take(Chunk(FILE, "0.log", 0, STAMP + b"P " + UNTIMED + b"\n", live=True)))
    (rest,) = unframer.finish()
    assert LineReader().read(rest, READ_US).reject.tolist() == [Reject.ERROR_STREAM]


def test_an_access_log_of_objects_is_read_from_stderr_where_its_proxy_is_named():
    (chunk,) = Unframer(Counters(), is_framed=True).take(
        Chunk(FILE, "0.log", 0, STAMP + b"F [warn] worker exited\n" + STAMP + b"F " + CADDY + b"\n")
    )
    rows = LineReader.of("caddy").read(chunk, READ_US)
    assert rows.reject.tolist() == [Reject.NO_ADDRESS, Reject.NONE]
    assert rows.shape.tolist() == [Shape.NONE, Shape.CADDY]
    assert to_text(int(rows.source_hi[1]), int(rows.source_lo[1])) == "192.0.2.9"
