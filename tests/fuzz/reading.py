"""What readers of logs promise of any bytes: a row for every line, every byte once, and the fast path as the plain one."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from tests.property.test_lines import READ_US, PlainReader, six, values
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, FileIdentity, Reject
from unmasq.model.native import NATIVE, Native
from unmasq.read.cri import Unframer
from unmasq.read.formats.lines import LineReader
from unmasq.read.frames import framed
from unmasq.read.lines import line_bounds
from unmasq.read.syslog import messages
from unmasq.unwind.claims import claims_of

FILE = FileIdentity(1, 1, "x")
START = 100
LONGEST = 200
"""Of a line in frames, so that a small input can have one that is too long."""
_FRAME = re.compile(rb".{20}[^ ]{0,15} (stdout|stderr) ([FP])(?::[^ ]*)? ", re.DOTALL)
_SOURCE = 0xFFFF_C633_640A  # 198.51.100.10
_OBJECTS = {
    "envoy": '{"source_ip":"198.51.100.10","source_port":4711,"user_agent":SHOWN,"x-forwarded-for":SHOWN}',
    "traefik": '{"ClientAddr":"198.51.100.10:4711","request_User-Agent":SHOWN,"request_X-Forwarded-For":SHOWN}',
    "caddy": '{"request":{"remote_ip":"198.51.100.10","remote_port":"4711","headers":{"X-Forwarded-For":[SHOWN]}}}',
}


def lines(data: bytes) -> None:
    """A row for every line, in one piece or two; with the extension, without it and line by line the same."""
    readers = LineReader(NATIVE), LineReader(None), PlainReader(None)
    for chunk in _chunks(data):
        rows, *others = [values(reader, reader.read(chunk, READ_US)) for reader in readers]
        assert all(other == rows for other in others), "two paths say different things"
        assert len(rows) == chunk.data.count(b"\n") + (not chunk.data.endswith(b"\n"))
        assert [row["start"] for row in rows] == [chunk.start, *(row["end"] for row in rows[:-1])]
        assert rows[-1]["end"] == chunk.start + len(chunk.data)
        _are_headers([str(row["headers"]) for row in rows])
    counts, *others_too = [reader.counts() for reader in readers]
    assert all(other == counts for other in others_too), "two paths count different things"


def _chunks(data: bytes) -> Iterator[Chunk]:
    """The data in two pieces, cut behind a newline near the middle: what was learned of the first is used for the second."""
    cut = data.find(b"\n", len(data) // 2) + 1
    for at, piece in ((0, data[:cut]), (cut, data[cut:])):
        if piece:
            yield Chunk(FILE, "log", START + at, piece)


def _are_headers(texts: list[str]) -> None:
    """Whether walk and wire can read them, and the extension reads what Python reads."""
    for text in filter(None, texts):
        told = json.loads(text)
        assert all(isinstance(each, str) for each in told.values())
    found, plain = vars(claims_of(texts, NATIVE)), vars(claims_of(texts, None))
    assert all(found[name].tolist() == plain[name].tolist() for name in plain)


def header(forged: bytes) -> None:
    """Whatever a client sends as a header: written as each proxy does it chooses no source.

    A line is taken, but for one with something that looks like a second payload: that one is rejected, and nobody's.
    """
    for line in _written(forged.replace(b"\n", b"")):
        for reader in (LineReader(NATIVE), PlainReader(None)):
            batch = reader.read(Chunk(FILE, "log", 0, line + b"\n"), READ_US)
            row = batch.source_hi.tolist(), batch.source_lo.tolist(), batch.source_port.tolist(), batch.reject.tolist()
            assert row == ([0], [_SOURCE], [4711], [Reject.NONE]) or (row[1], row[3]) == ([0], [Reject.INJECTED]), line


def _written(forged: bytes) -> Iterator[bytes]:
    """Lines of proxies that were sent this header: nginx, whose escapes have two forms, and those that log objects."""
    hexed = "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02X}" for byte in forged)
    payload = six("198.51.100.10", 4711, "FORGED", "FORGED")
    yield b"unmasq: " + payload.replace("FORGED", hexed).encode()
    shown = json.dumps(forged.decode("latin-1"))
    yield b"unmasq: " + payload.replace('"FORGED"', shown).encode()
    if forged.isascii():
        for text in _OBJECTS.values():
            yield text.replace("SHOWN", shown).encode()


def cri(data: bytes) -> None:
    """Frames are found as a regular expression finds them; each byte is covered once, and each line is read."""
    _are_frames(data)
    raw = list(_pieces(data[1:], 1 + (data[0] if data else 0) % 8))
    found = [list(_unframed(raw, native)) for native in (NATIVE, None)]
    assert [(chunk.data, _runs(chunk)) for chunk in found[0]] == [(chunk.data, _runs(chunk)) for chunk in found[1]]
    _covers(raw, [run for chunk in found[0] for run in _runs(chunk)])
    reader = LineReader()
    for chunk in found[0]:
        batch = reader.read(chunk, READ_US)
        assert chunk.frames is not None
        assert len(batch) == len(chunk.frames.start) == chunk.data.count(b"\n")
        assert max(map(len, chunk.data.split(b"\n"))) <= max(LONGEST, *map(len, data.split(b"\n")))


def _are_frames(data: bytes) -> None:
    found = framed(data)
    starts, ends = (bounds.tolist() for bounds in line_bounds(data, None))
    each = [_FRAME.match(data[start:end].removesuffix(b"\n")) for start, end in zip(starts, ends, strict=True)]
    assert found.is_framed.tolist() == [match is not None for match in each]
    assert found.text.tolist() == [start + (match.end() if match else 0) for start, match in zip(starts, each, strict=True)]
    assert found.is_part.tolist() == [bool(match and match[2] == b"P") for match in each]


def _pieces(data: bytes, lines_each: int) -> Iterator[Chunk]:
    """The data as a tail gives them: whole lines, the last piece with the end of the file."""
    whole = [line + b"\n" for line in data.split(b"\n")] if data else []
    at = 0
    for first in range(0, len(whole), lines_each):
        piece = b"".join(whole[first : first + lines_each])
        yield Chunk(FILE, "log", at, piece)
        at += len(piece)


def _unframed(raw: Iterable[Chunk], native: Native | None) -> Iterator[Chunk]:
    unframer = Unframer(Counters(), is_framed=True, longest=LONGEST, native=native)
    for chunk in raw:
        yield from unframer.take(chunk)
    yield from unframer.finish()


def _runs(chunk: Chunk) -> list[tuple[int, int]]:
    assert chunk.frames is not None
    frames = chunk.frames
    parts = [(start, end) for runs in frames.parts.values() for _, start, end in runs]
    return sorted([*zip(frames.start.tolist(), frames.end.tolist(), strict=True), *parts])


def _covers(raw: list[Chunk], runs: list[tuple[int, int]]) -> None:
    """Whether the runs are all bytes of these chunks, none twice."""
    if not raw:
        assert not runs
        return
    runs = sorted(runs)
    assert [runs[0][0], runs[-1][1]] == [0, raw[-1].start + len(raw[-1].data)]
    assert all(before == after for (_, before), (after, _) in pairwise(runs))


def syslog(data: bytes) -> None:
    """A message for every line of a datagram, whose text the datagram holds; a line of each is read."""
    found = list(messages(data, READ_US))
    assert len(found) == data.rstrip(b"\n\r\0").count(b"\n") + 1
    for message in found:
        assert b"\n" not in message.text
        assert message.text.removeprefix(b"haproxy: ") in data
    *_, last = messages(data, READ_US, is_cut=True)
    assert last.reject is Reject.TOO_LONG
    lines(b"".join(message.text + b"\n" for message in found))
