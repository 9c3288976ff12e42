"""Lines longer than the bound: exact offsets, bounded memory."""

import os
import tracemalloc

import pytest

from tests.unit.read.tail_log import Log, runs_of

MEGABYTE = 1 << 20


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path)
    yield log
    log.tail.close()


def pieces(log):
    return [(chunk.start, chunk.data, chunk.skipped) for chunk in log.chunks]


@pytest.mark.parametrize("chunk_bytes", [1, 11, 12, 20, 100])
def test_an_overlong_line_is_a_chunk_of_its_own(log, chunk_bytes):
    log.write(b"one\n" + b"x" * 11 + b"\n" + b"y" * 10 + b"\ntwo\n")
    log.start(chunk_bytes=chunk_bytes, longest_line=10).poll()
    assert (4, b"x" * 10 + b"\n", 1) in pieces(log)
    assert sum(len(data) + skipped for _, data, skipped in pieces(log)) == log.path.stat().st_size
    assert b"".join(chunk.data for chunk in log.chunks if not chunk.skipped) == b"one\n" + b"y" * 10 + b"\ntwo\n"
    assert log.counted() == {("tail_skipped_bytes", "too_long"): 1}


def test_it_is_awaited_to_its_newline_over_many_polls(log):
    log.write(b"")
    log.start(chunk_bytes=20, longest_line=10)
    for _ in range(20):
        log.write(b"x" * 7)
        assert log.poll() == []
    log.write(b"\ntwo\n")
    log.poll()
    assert pieces(log) == [(0, b"x" * 10 + b"\n", 130), (141, b"two\n", 0)]


def test_what_was_looked_through_is_not_read_again(log, monkeypatch):
    asked, preadv = [], os.preadv
    log.write(b"x" * 10_000)
    log.start(chunk_bytes=1000, longest_line=10).poll()

    def noted(fd, buffers, at):
        asked.append(at)
        return preadv(fd, buffers, at)

    monkeypatch.setattr(os, "preadv", noted)
    log.write(b"x")
    log.poll()
    assert asked == [10_000]


def test_at_the_end_of_a_finished_file(log):
    log.write(b"x" * 15)
    log.start(chunk_bytes=20, longest_line=10).finish()
    assert pieces(log) == [(0, b"x" * 10, 5)]


def test_two_in_a_row_and_one_in_a_gap(log):
    log.write(b"x" * 15 + b"\n" + b"y" * 25 + b"\nend\n")
    log.start(chunk_bytes=20, longest_line=10).poll()
    assert pieces(log) == [(0, b"x" * 10 + b"\n", 5), (16, b"y" * 10 + b"\n", 15), (42, b"end\n", 0)]
    covered = {log.chunks[0].file: [(0, 16), (42, 46)]}
    log.start(covered, chunk_bytes=20, longest_line=10).poll()
    assert pieces(log) == [(16, b"y" * 10 + b"\n", 15)]


def test_truncated_while_it_is_awaited(log):
    log.write(b"one\n" + b"x" * 100)
    log.start(chunk_bytes=20, longest_line=10).poll()
    log.truncate()
    log.write(b"new\n")
    assert log.poll() == [b"new"]
    assert log.counted()["tail_lost_bytes", "truncated"] == 100


@pytest.mark.parametrize("megabytes", [10, 100])
def test_memory_is_bounded(log, megabytes):
    with log.path.open("wb") as file:
        for _ in range(megabytes):
            file.write(b"x" * MEGABYTE)
        file.write(b"\nafter\n")
    tracemalloc.start()
    log.start()
    assert log.poll()[1:] == [b"after"]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert log.chunks[0].skipped == (megabytes - 1) * MEGABYTE
    assert runs_of(log.chunks)[log.chunks[0].file][-1][1] == log.path.stat().st_size
    assert peak < 12 * MEGABYTE
