"""Frames come off whatever way they lie: over chunks, streams and files the same lines, and every byte covered exactly once."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.twins import each_twin
from unmasq.base.moments import parse
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, FileIdentity, Frames, Reject
from unmasq.read.cri import MOST_RUNS, Unframer
from unmasq.read.frames import framed, looks_framed
from unmasq.read.stamps import LONGEST, times_us

MINUTES = st.sampled_from([0, 0, 60, -330, 840])
text = st.one_of(
    st.binary(max_size=30),
    st.sampled_from([b"", b" ", b"stdout F x", b" stdout F x", b"2026-11-25T08:00:00Z stderr P y", b"\xc3\xa9", b"\r", b"\x00"]),
).map(lambda line: line.replace(b"\n", b"_"))


@st.composite
def stamps(draw):
    """A time as Go or conmon writes it."""
    zone = timezone(timedelta(minutes=draw(MINUTES)))
    moment = draw(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001  # the zone comes later
    stamp = moment.replace(microsecond=0, tzinfo=zone).isoformat().replace("+00:00", "")
    zone_text = stamp[19:] or "Z"
    digits = draw(st.text("0123456789", max_size=9))
    return stamp[:19] + (f".{digits}" if digits else "") + zone_text


@given(st.lists(stamps(), min_size=1, max_size=20))
def test_times_are_read_as_one_by_one(some):
    rows = np.frombuffer(b"".join(s.encode().ljust(LONGEST, b" ") for s in some), "u1").reshape(-1, LONGEST)
    assert times_us(rows, np.array([len(s) for s in some])).tolist() == [parse(s, 0) for s in some]


@given(st.lists(st.one_of(st.binary(max_size=40), text, stamps().map(str.encode)), max_size=10), st.booleans())
def test_no_bytes_are_too_strange(lines, ends):
    data = b"\n".join(lines) + b"\n" * ends
    found = framed(data)
    assert len(found.start) == len(data.removesuffix(b"\n").split(b"\n")) * bool(data)
    assert (found.text <= found.end).all()
    assert not found.is_part[~found.is_framed].any()
    looks_framed(data)


class Writer:
    """A runtime that writes two streams into files."""

    def __init__(self):
        self.frames: list[tuple[bytes, bool]] = []  # with: whether the kubelet rotated before it

    def write(self, stamp, stream, tag, part, *, rotated):
        self.frames.append((f"{stamp} std{stream} {tag} ".encode() + part + b"\n", rotated))


@st.composite
def logs(draw):
    """Frames of two streams, and the whole lines of each in order; the last line of a stream may lack its end."""
    writer = Writer()
    lines: dict[str, list[bytes]] = {"out": [], "err": []}
    left: dict[str, list[bytes]] = {"out": [], "err": []}
    for _ in range(draw(st.integers(1, 25))):
        stream = draw(st.sampled_from(["out", "out", "err"]))
        part, tag = draw(text), draw(st.sampled_from("FFP"))
        writer.write(draw(stamps()), stream, tag, part, rotated=draw(st.integers(0, 9)) == 0)
        left[stream].append(part)
        if tag == "F":
            lines[stream].append(b"".join(left[stream]))
            left[stream] = []
    return writer.frames, lines, {stream: b"".join(parts) for stream, parts in left.items() if parts}


def chunks_of(frames, cuts):
    """The frames as a tail gives them: cut anywhere between two lines, and where a file ends."""
    number, start = 1, 0
    held: list[bytes] = []
    for (frame, rotated), cut in zip(frames, cuts, strict=True):
        if (rotated or cut) and held:
            data = b"".join(held)
            yield Chunk(FileIdentity(1, number, "x"), "log", start, data)
            start, held = start + len(data), []
        if rotated:
            number, start = number + 1, 0
        held.append(frame)
    yield Chunk(FileIdentity(1, number, "x"), "log", start, b"".join(held))


def frames_of(chunk: Chunk) -> Frames:
    assert chunk.frames is not None
    return chunk.frames


def runs_of(chunk):
    frames = frames_of(chunk)
    own = [(chunk.file, start, end) for start, end in zip(frames.start.tolist(), frames.end.tolist(), strict=True)]
    return own + [tuple(run) for runs in frames.parts.values() for run in runs]


def check_each_byte_once(raw, runs):
    """Whether the runs are the bytes of these chunks, none twice."""
    ends = {}
    for chunk in raw:
        ends[chunk.file] = chunk.start + len(chunk.data)
    for file, end in ends.items():
        mine = sorted((start, stop) for f, start, stop in runs if f == file)
        assert [mine[0][0], mine[-1][1]] == [0, end]
        assert all(before == after for (_, before), (after, _) in pairwise(mine))


@each_twin
@given(logs(), st.data())
def test_the_same_lines_come_out_however_the_log_is_cut(native, log, data):
    frames, lines, left = log
    cuts = data.draw(st.lists(st.booleans(), min_size=len(frames), max_size=len(frames)))
    raw = list(chunks_of(frames, cuts))
    unframer = Unframer(Counters(), is_framed=True, native=native)
    found = [whole for chunk in raw for whole in unframer.take(chunk)]
    assert unframer.is_holding == bool(left)
    held_back = list(unframer.finish())
    assert sorted(chunk.data[:-1] for chunk in held_back) == sorted(left.values())
    whole = [line for chunk in found for line in chunk.data.removesuffix(b"\n").split(b"\n")]
    assert sorted(whole) == sorted(lines["out"] + lines["err"])
    for some in lines.values():
        rest = iter(whole)
        assert all(line in rest for line in some)  # in order, each after the one before
    check_each_byte_once(raw, [run for chunk in found + held_back for run in runs_of(chunk)])
    assert all(len(frames_of(chunk).start) == chunk.data.count(b"\n") for chunk in found)


@given(logs(), st.integers(0, 24), st.data())
def test_a_reader_that_starts_again_reads_what_was_not_acknowledged_and_finds_the_same_lines(log, at, data):
    """Of the lines that came before the kill any may be acknowledged; of those in parts, all parts or none."""
    frames, lines, left = log
    raw = list(chunks_of(frames, [True] * len(frames)))
    before = Unframer(Counters(), is_framed=True)
    seen = [whole for chunk in raw[:at] for whole in before.take(chunk)]
    kept = [chunk for chunk in seen if data.draw(st.booleans())]
    done = {run for chunk in kept for run in runs_of(chunk)}
    again = Unframer(Counters(), is_framed=True)
    uncovered = [c for c in raw if not any(f == c.file and start <= c.start < end for f, start, end in done)]
    found = [*kept, *(whole for chunk in uncovered for whole in again.take(chunk)), *again.finish()]
    whole = [line for chunk in found for line in chunk.data.removesuffix(b"\n").split(b"\n")]
    assert sorted(whole) == sorted(lines["out"] + lines["err"] + list(left.values()))
    check_each_byte_once(raw, [run for chunk in found for run in runs_of(chunk)])


def chunk(data, start=0):
    return Chunk(FileIdentity(1, 1, "x"), "log", start, data)


PART = b"2026-11-25T08:00:00.5Z stdout P "
END = b"2026-11-25T08:00:00.6Z stdout F "


def test_a_line_that_is_too_long_is_cut_counted_and_covered():
    counters = Counters()
    unframer = Unframer(counters, is_framed=True, longest=10)
    data = (PART + b"x" * 7 + b"\n") * 3 + END + b"y\n" + END + b"short\n"
    (whole,) = unframer.take(chunk(data))
    assert whole.data == b"x" * 10 + b"\nshort\n"
    assert frames_of(whole).reject.tolist() == [Reject.TOO_LONG, Reject.NONE]
    assert counters.of("tail_skipped_bytes", "too_long") == 12
    check_each_byte_once([chunk(data)], runs_of(whole))


def test_a_line_of_which_too_many_parts_are_strewn_about_is_cut():
    unframer = Unframer(Counters(), is_framed=True)
    strewn = (PART + b"x\n" + b"2026-11-25T08:00:00Z stderr F e\n") * (MOST_RUNS + 1)
    data = strewn + END + b"y\n"
    (whole,) = unframer.take(chunk(data))
    assert whole.data.split(b"\n")[-3:-1] == [b"e", b"xy"]
    assert (frames_of(whole).reject == Reject.TOO_LONG).sum() == 1
    assert b"x" * MOST_RUNS in whole.data
    check_each_byte_once([chunk(data)], runs_of(whole))


@pytest.mark.parametrize("odd", [b"plain text", b"", b"2026-11-25T08:00:00Z stdout", b"2026-11-25T08:00:00Z stdlog F x", b"\xff" * 50])
def test_what_is_no_frame_is_rejected_and_covered_and_ends_no_line(odd):
    unframer = Unframer(Counters(), is_framed=True)
    data = PART + b"a\n" + odd + b"\n" + END + b"b\n"
    (whole,) = unframer.take(chunk(data, 1000))
    assert whole.data == odd + b"\nab\n"
    assert frames_of(whole).reject.tolist() == [Reject.NO_FRAME, Reject.NONE]
    assert frames_of(whole).parts == {1: [(whole.file, 1000, 1000 + len(PART) + 2)]}


def test_a_line_cut_within_a_character_is_whole_again():
    unframer = Unframer(Counters(), is_framed=True)
    assert not list(unframer.take(chunk(PART + "é".encode()[:1] + b"\n")))
    (whole,) = unframer.take(chunk(END + "é".encode()[1:] + b"\n", 34))
    assert whole.data.decode() == "é\n"


def test_the_time_is_that_of_the_end():
    unframer = Unframer(Counters())
    (whole,) = unframer.take(chunk(PART + b"\n" + END + b"\n"))
    assert frames_of(whole).time_us.tolist() == [int(datetime(2026, 11, 25, 8, tzinfo=UTC).timestamp() * 1e6) + 600_000]


def test_a_log_without_frames_stays_as_it_is():
    plain = chunk(b'192.0.2.1 - - "GET / HTTP/1.1"\n' + END + b"x\n")
    assert list(Unframer(Counters()).take(plain)) == [plain]
