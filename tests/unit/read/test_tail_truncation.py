"""Logs that are copied and truncated while they are followed: only what nobody can read any more may be lost."""

import os

import pytest

from tests.unit.read.tail_log import Log

LONG = b"a first line that is longer than everything else before it\n"


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path)
    log.write(b"first\n")
    log.start().poll()
    yield log
    log.tail.close()


def test_copytruncate(log):
    log.copytruncate()
    assert log.poll() == []
    log.write(b"new\n")
    assert log.poll() == [b"new"]
    assert log.counted() == {("tail_rotations", "truncated"): 1}


def test_a_truncated_file_is_another_one(log):
    before = log.chunks[0].file
    log.truncate()
    log.write(b"new\n")
    log.poll()
    after = log.chunks[0].file
    assert (after.device, after.inode) == (before.device, before.inode)
    assert after.fingerprint != before.fingerprint


@pytest.mark.parametrize("regrown", [b"new\n", LONG, b"n" * 300 + b"\n"])
def test_copytruncate_and_regrow(log, regrown):
    log.copytruncate()
    log.write(regrown)
    assert log.poll() == [regrown[:-1]]
    assert log.chunks[0].start == 0


def test_what_was_not_read_before_is_read_from_the_copy(log):
    log.write(b"unread\n")
    log.copytruncate()
    log.write(b"new\n")
    assert log.poll() == [b"unread", b"new"]
    assert log.chunks[0].start == 6
    assert log.chunks[0].path.endswith("access.log.1")
    assert log.counted() == {("tail_rotations", "truncated"): 1}


def test_the_copy_continues_the_identity_of_the_truncated_file(log):
    identity = log.chunks[0].file
    log.write(b"unread\n")
    log.copytruncate()
    log.poll()
    assert log.chunks[0].file == identity


def test_a_copy_that_turns_up_late_is_found(log):
    log.write(b"unread\n")
    log.copy("elsewhere")
    log.truncate()
    assert log.poll() == []
    (log.folder / "elsewhere").rename(log.folder / "access.log.1")
    assert log.poll() == [b"unread"]


def test_a_copy_in_the_making_is_not_a_new_file(log):
    log.write(b"".join(b"line %03d\n" % n for n in range(100)))
    data = log.path.read_bytes()
    for size in (0, 1, 10, 300, len(data)):
        (log.folder / "access.log.1").write_bytes(data[:size])
        lines = log.poll()
        assert len(lines) == (100 if size == 0 else 0)
    log.truncate()
    log.write(b"new\n")
    assert log.poll() == [b"new"]


def test_the_copy_of_a_log_that_was_empty_when_last_seen(log):
    log.truncate()
    log.poll()
    log.write(b"between two polls\n")
    log.copytruncate()
    assert log.poll() == [b"between two polls"]


def test_the_copy_of_a_log_that_was_opened_but_not_read_yet(log):
    log.write(b"x" * 300 + b"\n")
    log.start()
    log.copytruncate()
    assert log.poll() == []
    assert log.poll() == [b"first", b"x" * 300]
    assert log.counted() == {("tail_rotations", "truncated"): 1}


def test_two_copytruncates_between_two_polls(log):
    log.write(b"of the first\n")
    log.copytruncate("access.log.2")
    log.write(b"of the second\n")
    log.copytruncate("access.log.1")
    log.write(b"of the third\n")
    assert sorted(log.poll()) == [b"of the first", b"of the second", b"of the third"]
    assert log.poll() == []


def test_bytes_that_nobody_copied_are_counted(log):
    log.write(b"half of a li")
    log.poll()
    log.truncate()
    log.write(b"new\n")
    assert log.poll() == [b"new"]
    assert log.counted()["tail_lost_bytes", "truncated"] == len(b"half of a li")


def test_bytes_behind_the_end_of_the_copy_are_counted(log):
    log.copy()
    log.write(b"written after the copy was made")
    log.poll()
    log.truncate()
    assert log.poll() == []
    assert log.counted()["tail_lost_bytes", "truncated"] == len(b"written after the copy was made")


def test_losing_only_the_beginning_of_a_line_is_no_new_generation(log):
    log.write(b"x" * 300 + b"\nhalf of a li")
    log.poll()
    os.truncate(log.path, log.path.stat().st_size - 8)
    log.write(b" is better\n")
    assert log.poll() == [b"half is better"]
    assert log.counted() == {}
    log.write(b"half of a li")
    log.poll()
    os.truncate(log.path, log.path.stat().st_size - 8)
    assert log.poll() == []
    assert log.counted() == {("tail_lost_bytes", "truncated"): 8}


def test_a_file_that_begins_alike_after_the_truncation_is_told_by_what_was_read_last(log):
    log.write(b"x" * 300 + b"\n" + b"second\n")
    log.poll()
    log.truncate()
    log.write(b"first\n" + b"x" * 300 + b"\n" + b"another\n" + b"more\n")
    assert log.poll() == [b"first", b"x" * 300, b"another", b"more"]
    assert len(log.tail.begun) == 2


def test_a_file_with_another_beginning_is_told_by_it_though_what_was_read_last_is_the_same(log):
    log.write(b"x" * 100 + b"\n")
    log.poll()
    log.truncate()
    log.write(b"FIRST\n" + b"x" * 100 + b"\nmore\n")
    assert log.poll() == [b"FIRST", b"x" * 100, b"more"]


def test_the_copy_is_told_from_other_files_that_begin_alike(log):
    header = b"#" * 300 + b"\n"
    log.truncate()
    log.write(header + b"one\n")
    log.poll()
    (log.folder / "access.log.2").write_bytes(header + b"other lines, and longer ones\n")
    log.write(b"unread\n")
    log.copytruncate()
    assert log.poll() == [b"unread"]


def test_a_file_of_which_no_line_was_read_has_no_copy(log):
    """Whatever begins with the few bytes that were seen is a file of its own."""
    log.path.unlink()
    with log.path.open("ab", buffering=0) as writer:
        writer.write(b"0")
        log.poll()
        log.path.unlink()
        writer.truncate(0)
    log.write(b"01 line\n")
    log.write(b"01", "access.log.1")
    assert log.poll() == [b"01 line"]
    log.write(b" line\n", "access.log.1")
    assert log.poll() == []


def test_generations_that_begin_with_the_same_bytes_have_different_identities(log):
    same = b"x" * 300 + b"\n"
    log.truncate()
    log.write(same + b"a\n")
    log.poll()
    for number in (2, 3):
        log.truncate()
        log.poll()
        log.write(same)
        log.poll()
        assert log.chunks[0].file.fingerprint.endswith(f"-{number}")


def test_a_writer_that_does_not_append_leaves_a_hole(log):
    """It goes on at its old offset, so after the truncation the file begins with NULs that nobody wrote."""
    writer = os.open(log.path, os.O_WRONLY)
    os.lseek(writer, 1_000_000, os.SEEK_SET)
    for number in (1, 2):
        log.copytruncate(f"access.log.{3 - number}")
        os.write(writer, b"line %d\nand another\n" % number)
        assert log.poll() == [b"line %d" % number, b"and another"]
        log.truncate()
        log.poll()
        os.write(writer, b"more\n")
        assert log.poll() == [b"more"]
    os.close(writer)


def test_a_terabyte_that_nobody_wrote_is_not_read(log):
    log.truncate()
    os.truncate(log.path, 1 << 40)
    assert log.poll() == []
    log.write(b"new\n")
    assert log.poll() == [b"new"]
    assert log.chunks[0].start == 1 << 40
