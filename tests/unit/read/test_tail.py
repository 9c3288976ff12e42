"""Following one file: whole lines, exact offsets, and what cannot be read."""

import os
from pathlib import Path

import pytest

from tests.unit.read.tail_log import Log
from unmasq.base.errors import InputError


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path)
    yield log
    if log.tail is not None:
        log.tail.close()


def test_lines_come_whole_and_once(log):
    log.write(b"one\ntwo\nthr")
    log.start()
    assert log.poll() == [b"one", b"two"]
    assert log.poll() == []
    log.write(b"ee\nfour\n")
    assert log.poll() == [b"three", b"four"]
    assert [(chunk.start, chunk.data) for chunk in log.chunks] == [(8, b"three\nfour\n")]
    assert log.chunks[0].path == str(log.path)


def test_a_line_written_byte_by_byte_comes_once(log):
    log.write(b"")
    log.start()
    for byte in b"slow\n":
        assert log.poll() == []
        log.write(bytes([byte]))
    assert log.poll() == [b"slow"]


def test_only_a_newline_ends_a_line(log):
    line = b"a\rb\x0bc\x0cd\x1ce\xc2\x85f\xe2\x80\xa8g\x00h\xff\n"
    log.write(line)
    log.start()
    log.poll()
    assert [chunk.data for chunk in log.chunks] == [line]


def test_chunks_are_bounded_and_cut_at_newlines(log):
    log.write(b"".join(b"line %03d\n" % n for n in range(100)))
    log.start(chunk_bytes=100, longest_line=50)
    assert log.poll() == [b"line %03d" % n for n in range(100)]
    assert len(log.chunks) == 10
    assert all(len(chunk.data) <= 100 and chunk.data.endswith(b"\n") for chunk in log.chunks)
    assert [chunk.start for chunk in log.chunks] == list(range(0, 900, 90)) or log.chunks[1].start == 99


def test_what_is_there_at_first_is_not_live_and_what_is_written_since_is(log):
    log.write(b"old\n")
    log.start()
    log.poll()
    assert [chunk.live for chunk in log.chunks] == [False]
    log.write(b"new\n")
    log.poll()
    assert [chunk.live for chunk in log.chunks] == [True]


def test_what_is_written_before_the_first_poll_is_live_if_all_before_was_left_out(log):
    log.write(b"old\n")
    log.start(from_start=False)
    log.write(b"new\n")
    assert log.poll() == [b"new"]
    assert log.chunks[0].live


def test_after_a_long_pause_nothing_is_live(log):
    log.write(b"old\n")
    log.start()
    log.poll()
    log.write(b"who knows when\n")
    log.poll(seconds=11)
    assert [chunk.live for chunk in log.chunks] == [False]


def test_a_poll_that_was_left_early_is_taken_up(log):
    log.write(b"x\n" * 100)
    log.start(chunk_bytes=20, longest_line=10)
    first = next(log.tail.poll(1))
    assert len(log.poll()) == 100 - len(first.data) // 2
    assert not any(chunk.live for chunk in log.chunks)
    log.write(b"x\n" * 100)
    assert next(log.tail.poll(log.now_us)).live
    assert len(log.poll()) == 90
    assert not any(chunk.live for chunk in log.chunks)


def test_a_new_reader_starts_at_the_end_by_default(log):
    log.write(b"old\nold\nhal")
    log.start(from_start=False)
    assert log.poll() == []
    log.write(b"f\nnew\n")
    assert log.poll() == [b"half", b"new"]
    assert [(chunk.start, chunk.live) for chunk in log.chunks] == [(8, True)]
    assert list(log.tail.begun.values()) == [8]


@pytest.mark.parametrize("content", [b"", b"half", b"x" * 300, b"\n" + b"x" * 300, b"a\n" * 200])
def test_the_end_is_behind_the_last_newline(log, content):
    log.write(content)
    log.start(from_start=False, chunk_bytes=50, longest_line=30)
    log.poll()
    assert log.chunks == []
    log.write(b"\nnew\n")
    log.poll()
    assert sum(len(chunk.data) + chunk.skipped for chunk in log.chunks) == len(content) - content.rfind(b"\n") - 1 + len(b"\nnew\n")
    assert log.chunks[0].start == content.rfind(b"\n") + 1


def test_finish_reads_the_named_file_to_its_last_byte(log):
    log.write(b"rotated\n", "access.log.1")
    log.write(b"one\ntwo")
    log.start()
    assert log.finish() == [b"one", b"two"]
    assert [(chunk.data, chunk.live) for chunk in log.chunks] == [(b"one\n", False), (b"two", False)]
    assert log.finish() == []


def test_an_empty_log_gives_nothing(log):
    log.write(b"")
    assert log.start().finish() == []


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "directory"),
        (os.mkfifo, "pipe"),
        (lambda path: path.symlink_to("/dev/null"), "device"),
        (lambda path: path.symlink_to(path), "symbolic links"),
    ],
)
def test_what_can_never_be_read_is_said_at_once(log, make, why):
    make(log.path)
    with pytest.raises(InputError) as caught:
        log.start()
    assert str(log.path) in caught.value.what
    assert why in caught.value.why
    log.tail = None


def test_a_log_without_permission_is_an_error_that_says_so(log, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    log.write(b"secret\n")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match="may not read it"):
        log.start()


def test_a_log_can_be_awaited(log):
    log.start(wait=True, from_start=False)
    assert log.poll() == []
    assert log.poll() == []
    log.write(b"first\n")
    assert log.poll() == [b"first"]
    assert log.chunks[0].live
    assert log.counted() == {("tail_missing", "missing"): 1}


def test_a_log_that_vanishes_is_counted_and_awaited(log):
    log.write(b"one\n")
    log.start()
    log.poll()
    log.path.unlink()
    assert [log.poll(), log.poll()] == [[], []]
    assert log.counted() == {("tail_missing", "missing"): 1}
    log.write(b"two\n")
    assert log.poll() == [b"two"]
    log.path.unlink()
    log.poll()
    assert log.counted()["tail_missing", "missing"] == 2
    log.path.mkdir()
    assert log.poll() == []
    assert log.counted()["tail_missing", "unreadable"] == 1
    log.path.rmdir()
    log.write(b"three\n")
    assert log.poll() == [b"three"]


def test_a_file_that_cannot_be_read_now_is_opened_again_where_it_was_left(log, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error")

    log.write(b"one\n")
    log.start()
    log.poll()
    log.write(b"two\n")
    with monkeypatch.context() as broken:
        broken.setattr(os, "preadv", fail)
        assert log.poll() == []
    assert log.counted() == {("tail_unreadable", "EIO"): 1}
    opened, really_open = [], os.open

    def noted(*arguments):
        opened.append(arguments[0])
        return really_open(*arguments)

    monkeypatch.setattr(os, "open", noted)
    assert log.poll() == [b"two"]
    assert opened[0] == str(log.path)  # a stale handle does not recover


@pytest.mark.parametrize("call", ["pread", "preadv"])
def test_no_poll_fails_because_a_file_cannot_be_read(log, monkeypatch, call):
    def stale(*_):
        raise OSError(116, "Stale file handle")

    log.write(b"one\n")
    log.start().poll()
    log.write(b"half")
    log.path.rename(log.folder / "access.log.1")
    log.write(b"two\n")
    (log.folder / "access.log.1").unlink()
    log.poll()
    with monkeypatch.context() as broken:
        broken.setattr(os, call, stale)
        assert log.poll(seconds=61) == []
    assert log.counted()["tail_unreadable", "ESTALE"] >= 1
    log.write(b"three\n")
    assert log.poll() == [b"three"]


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_descriptor_is_left_behind(log):
    before = descriptors()
    for number in range(1, 10):
        log.write(b"%d\n" % number, f"access.log.{number}")
    log.write(b"one\n")
    log.start()
    log.poll()
    log.rename("access.log.10")
    log.write(b"two\n")
    log.poll()
    log.tail.close()
    log.tail.close()
    assert descriptors() == before
