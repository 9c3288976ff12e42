"""Datagrams from real sockets become lines; what does not is counted."""

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from unmasq.base.errors import InputError
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, Reject, TimeSource
from unmasq.read.endpoint import Endpoint, Place
from unmasq.read.formats.lines import LineReader
from unmasq.read.receiver import LONGEST_DATAGRAM, Receiver

NOW_US = 1_795_821_263_500_000
HEAD = b'unmasq: {"source_port": "4711", "destination_ip": "10.0.0.1", "destination_port": "80", "source_ip": "192.0.2.7"'
LINE = HEAD + b', "x-forwarded-for": "-", "x-real-ip": "-", "captured": "-"}'
STAMPED = b"<134>Nov 27 23:14:20 haproxy[7]: "


class Listening:
    """A receiver with everybody who sends to it."""

    def __init__(self, place: Place, **options: int) -> None:
        self.counters = Counters()
        self.receiver = Receiver(place, self.counters, NOW_US, **options)
        self.sender = socket.socket(socket.AF_UNIX if place.path else socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, *datagrams: bytes) -> None:
        place = self.receiver.place
        for datagram in datagrams:
            self.sender.sendto(datagram, place.path or (place.host, place.port))

    def ended(self) -> list[Chunk]:
        """Everything that came, once nothing more can come."""
        self.receiver.close()
        return list(self.receiver.poll(NOW_US))


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=["unix", "udp"])
def listening(request, tmp_path, stack):
    place = Place(str(tmp_path / "log.sock")) if request.param == "unix" else Place("", "127.0.0.1", 0)
    listening = Listening(place)
    stack.callback(listening.receiver.close)
    stack.callback(listening.sender.close)
    return listening


def test_lines_come_with_the_time_of_their_message(listening):
    listening.send(STAMPED + LINE + b"\n", LINE)
    (chunk,) = listening.ended()
    batch = LineReader().read(chunk, NOW_US)
    assert batch.reject.tolist() == [0, 0]
    assert batch.time_source.tolist() == [TimeSource.LOG, TimeSource.LIVE]
    assert batch.time_us.tolist() == [NOW_US - 2_500_001, NOW_US]
    assert (batch.start.tolist(), batch.end.tolist()) == ([0, len(LINE) + 10], [len(LINE) + 10, 2 * len(LINE) + 11])
    assert listening.counters.of("syslog_datagrams") == 2


def test_offsets_go_on_from_poll_to_poll(listening):
    ends = []
    for datagram in (b"one", b"two\nthree"):
        listening.send(datagram)
        while not (chunks := list(listening.receiver.poll(NOW_US))):
            os.sched_yield()
        ends += [(int(start), int(end)) for start, end in zip(chunks[0].frames.start, chunks[0].frames.end, strict=True)]
    assert ends == [(0, 4), (4, 8), (8, 14)]


def test_what_does_not_fit_is_cut_and_still_names_its_source(listening):
    if listening.receiver.place.path:  # UDP takes none that are longer
        listening.send(HEAD + b', "x": "' + b"y" * LONGEST_DATAGRAM + b'"}')
    listening.send(HEAD + b', "x": "cut by its sen', b"")
    (chunk,) = listening.ended()
    batch = LineReader().read(chunk, NOW_US)
    assert batch.reject.tolist()[-2:] == [Reject.TOO_LONG, Reject.BLANK]
    assert set(batch.reject.tolist()[:-1]) == {Reject.TOO_LONG}
    assert set(batch.source_lo.tolist()[:-1]) == {0xFFFF_C000_0207}
    assert not batch.headers.any()


def test_a_datagram_that_is_longer_than_any_is_too_long_whatever_is_in_it(tmp_path, stack):
    listening = Listening(Place(str(tmp_path / "s")))
    stack.callback(listening.sender.close)
    listening.send(b"x" * LONGEST_DATAGRAM, b"x" * (LONGEST_DATAGRAM + 1))
    (chunk,) = listening.ended()
    assert chunk.frames is not None
    assert chunk.frames.reject.tolist() == [Reject.NONE, Reject.TOO_LONG]


def test_what_is_beyond_the_bound_is_counted(tmp_path, stack):
    listening = Listening(Place(str(tmp_path / "s")), most_bytes=500)
    stack.callback(listening.sender.close)
    listening.send(*[b"x" * 100] * 5)
    (chunk,) = listening.ended()
    assert chunk.data == (b"x" * 100 + b"\n") * 2
    assert listening.counters.by_reason("syslog_lost") == {"full": 3}


def test_what_the_kernel_drops_is_counted(stack, monkeypatch):
    monkeypatch.setattr("unmasq.read.endpoint.BUFFER_BYTES", 1)
    endpoint = Endpoint(Place("", "127.0.0.1", 0))
    stack.callback(endpoint.close)
    sender = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    monkeypatch.setattr("unmasq.read.receiver.Endpoint", lambda place: endpoint)
    for _ in range(50):  # before anybody reads, so that the queue overruns
        sender.sendto(b"x" * 1000, ("127.0.0.1", endpoint.place.port))
    counters = Counters()
    receiver = Receiver(endpoint.place, counters, NOW_US)
    while not list(receiver.poll(NOW_US)):
        os.sched_yield()
    sender.sendto(b"one that tells", ("127.0.0.1", endpoint.place.port))
    receiver.close()
    assert list(receiver.poll(NOW_US))
    got = counters.of("syslog_datagrams")
    assert got < 51
    assert counters.by_reason("syslog_lost") == {"kernel": 51 - got}


def test_anybody_may_send_and_the_file_goes_with_the_receiver(tmp_path):
    path = tmp_path / "log.sock"
    before = os.umask(0o077)
    try:
        receiver = Receiver(Place(str(path)), Counters(), NOW_US)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o666
    receiver.close()
    receiver.close()
    assert not path.exists()


def test_a_socket_that_nobody_reads_is_replaced(tmp_path):
    path = tmp_path / "log.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(path))
    listening = Listening(Place(str(path)))
    listening.send(b"<134>one")
    assert [chunk.data for chunk in listening.ended()] == [b"one\n"]
    listening.sender.close()


def occupied(path: Path, stack: ExitStack, kind: int) -> None:
    taken = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
    taken.bind(str(path))
    if kind == socket.SOCK_STREAM:
        taken.listen()


@pytest.mark.parametrize("what", ["served", "a stream", "file", "folder"])
def test_nobody_loses_what_is_in_the_way(tmp_path, stack, what):
    path = tmp_path / "log.sock"
    match what:
        case "served":
            occupied(path, stack, socket.SOCK_DGRAM)
        case "a stream":
            occupied(path, stack, socket.SOCK_STREAM)
        case "file":
            path.write_text("mine")
        case "folder":
            path.mkdir()
    with pytest.raises(InputError, match="cannot listen for syslog on unix:") as refused:
        Receiver(Place(str(path)), Counters(), NOW_US)
    assert refused.value.next_step
    assert path.exists()


def test_a_socket_that_another_took_is_left_alone(tmp_path):
    path = tmp_path / "log.sock"
    receiver = Receiver(Place(str(path)), Counters(), NOW_US)
    path.unlink()
    path.write_text("another's")
    receiver.close()
    assert path.read_text() == "another's"


@pytest.mark.parametrize("place", [Place("/" + "x" * 200), Place("/nowhere/s"), Place("", "203.0.113.1", 0)], ids=str)
def test_where_nothing_can_be_bound_it_is_said(place):
    with pytest.raises(InputError, match="cannot listen for syslog"):
        Receiver(place, Counters(), NOW_US)
