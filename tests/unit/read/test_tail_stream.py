"""Lines of a pipe."""

import io
import os

import pytest

from unmasq.base.telemetry import Counters
from unmasq.model.ingress import FileIdentity
from unmasq.read.stream import read_stream


class Dribble(io.BytesIO):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, data, size):
        super().__init__(data)
        self.size = size

    def readinto1(self, buffer):
        return super().readinto1(memoryview(buffer)[: self.size])


def pieces(data, size, **options):
    counters = Counters()
    chunks = list(read_stream(Dribble(data, size), counters, "1", **options))
    return [(chunk.start, chunk.data, chunk.skipped) for chunk in chunks], counters


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_lines_come_whole_with_exact_offsets(size):
    found, _ = pieces(b"one\ntwo\n\nlast", size)
    assert b"".join(data for _, data, _ in found) == b"one\ntwo\n\nlast"
    assert all(data.endswith(b"\n") for _, data, _ in found[:-1])
    assert found[-1] == (9, b"last", 0)


@pytest.mark.parametrize("size", [1, 2, 7, 9, 10, 11, 12, 100])
def test_overlong_lines_are_cut_and_counted(size):
    found, counters = pieces(b"one\n" + b"x" * 35 + b"\n" + b"y" * 10 + b"\n" + b"z" * 11, size, chunk_bytes=20, longest_line=10)
    assert found == [(0, b"one\n", 0), (4, b"x" * 10 + b"\n", 25), (40, b"y" * 10 + b"\n", 0), (51, b"z" * 10, 1)]
    assert counters.of("tail_skipped_bytes", "too_long") == 26


def test_lines_that_come_together_with_the_end_of_an_overlong_one_are_chunks_of_their_own():
    found, _ = pieces(b"x" * 30 + b"\na\nb\n", 10, chunk_bytes=10, longest_line=10)
    assert found == [(0, b"x" * 10 + b"\n", 20), (31, b"a\nb\n", 0)]


def test_lines_of_a_real_pipe_come_before_it_is_closed():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stream:
        chunks = read_stream(stream, Counters(), "now", live=True)
        os.write(writer, b"one\ntw")
        first = next(chunks)
        assert (first.file, first.path, first.data, first.live) == (FileIdentity(0, 0, "stdin:now"), "-", b"one\n", True)
        os.close(writer)
        assert [chunk.data for chunk in chunks] == [b"tw"]


def test_nothing_is_no_chunk():
    assert pieces(b"", 10)[0] == []
