"""Logs that are renamed, removed or linked elsewhere while they are followed."""

import os
from pathlib import Path

import pytest

from tests.unit.read.tail_log import Log
from unmasq.read.siblings import rotated_later, siblings


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path)
    log.write(b"first\n")
    log.start().poll()
    yield log
    log.tail.close()


def test_rename_and_late_writes_to_the_old_file(log):
    log.rename()
    log.write(b"new\n")
    log.write(b"late\n", "access.log.1")
    assert log.poll() == [b"late", b"new"]
    log.write(b"later\n", "access.log.1")
    assert log.poll() == [b"later"]
    assert log.counted() == {("tail_rotations", "replaced"): 1}


def test_the_name_may_come_back_late(log):
    log.rename()
    log.write(b"late\n", "access.log.1")
    assert log.poll() == [b"late"]
    log.write(b"new\n")
    assert log.poll() == [b"new"]


def test_a_line_that_is_finished_after_the_rename_comes_whole(log):
    log.write(b"half")
    log.poll()
    log.rename()
    log.write(b"new\n")
    assert log.poll() == [b"new"]
    log.write(b" done\n", "access.log.1")
    assert log.poll() == [b"half done"]


def test_unlink_and_recreate_does_not_lose_what_was_written_before(log):
    log.write(b"last words\n")
    writer = os.open(log.path, os.O_WRONLY | os.O_APPEND)
    log.path.unlink()
    log.write(b"new\n")
    assert log.poll() == [b"last words", b"new"]
    os.write(writer, b"from the grave\n")
    os.close(writer)
    assert log.poll() == [b"from the grave"]


def test_the_inode_of_a_removed_file_that_is_used_again_is_a_new_file(log):
    """The descriptor is held while the file is followed, so reuse takes a file that was let go."""
    log.path.unlink()
    log.write(b"second\n")
    log.poll()
    log.poll(seconds=61)
    log.path.unlink()
    log.write(b"third, and longer\n")
    assert log.poll() == [b"third, and longer"]
    assert len(set(log.tail.begun)) == 3


def test_looking_around_stops_when_nothing_happens(log, monkeypatch):
    log.rename()
    log.write(b"new\n")
    for _ in range(10):
        log.poll()
    monkeypatch.setattr(os, "scandir", lambda _: pytest.fail("looked around"))
    log.write(b"more\n")
    assert log.poll() == [b"more"]


def test_the_newest_rotated_files_are_followed_however_long_nobody_writes(log):
    log.rename()
    log.write(b"new\n")
    log.poll()
    for _ in range(5):
        log.poll(seconds=1000)
    log.write(b"late\n", "access.log.1")
    assert log.poll() == [b"late"]


def test_a_removed_file_that_is_still_written_is_followed(log):
    with log.path.open("ab", buffering=0) as writer:
        log.path.unlink()
        log.write(b"new\n")
        log.poll()
        for _ in range(10):
            writer.write(b"late\n")
            assert log.poll(seconds=50) == [b"late"]


def test_three_rotations_between_two_polls(log):
    log.write(b"a\n")
    for number in (4, 3, 2):
        log.rename(f"access.log.{number}")
        log.write(b"only in %d\n" % (number - 1))
    assert log.poll() == [b"a", b"only in 3", b"only in 2", b"only in 1"]
    assert log.poll() == []


def test_a_file_between_two_rotations_may_be_written_late(log):
    log.rename("access.log.2")
    log.write(b"")
    log.rename()
    log.write(b"new\n")
    assert log.poll() == [b"new"]
    log.poll(seconds=30)
    log.write(b"late\n", "access.log.1")
    assert log.poll() == [b"late"]


def test_rotated_files_of_others_are_left_alone(tmp_path):
    log = Log(tmp_path)
    log.write(b"not ours\n", "access.log.2")
    log.write(b"ours\n")
    log.start()
    assert log.poll() == [b"ours"]
    (tmp_path / "access.log.2").rename(tmp_path / "access.log.3")
    log.rename("access.log.2")
    log.write(b"new\n")
    assert log.poll() == [b"new"]
    log.tail.close()


def test_a_foreign_file_whose_inode_holds_something_else_now_is_ours(tmp_path):
    log = Log(tmp_path)
    log.write(b"not ours\n", "access.log.7")
    log.write(b"ours\n")
    log.start().poll()
    (tmp_path / "access.log.7").write_bytes(b"between\n")
    (tmp_path / "access.log.7").rename(tmp_path / "access.log.1")
    assert log.poll() == [b"between"]
    log.tail.close()


def test_a_removed_foreign_file_whose_inode_comes_back_between_two_rotations_is_ours(log):
    log.write(b"not ours\n", "access.log.7")
    log.start().poll()
    for number in range(20):
        (log.folder / "access.log.7").unlink(missing_ok=True)
        log.rename("access.log.2")
        log.write(b"between %d\n" % number)
        log.rename("access.log.1")
        log.write(b"now %d\n" % number)
        assert log.poll() == [b"between %d" % number, b"now %d" % number]
        (log.folder / "access.log.2").unlink()
        (log.folder / "access.log.1").rename(log.folder / "access.log.7")


def test_a_file_that_is_moved_back_goes_on_where_it_was(log):
    log.rename()
    log.write(b"short-lived\n")
    log.poll()
    (log.folder / "access.log.1").rename(log.path)
    log.write(b"again\n")
    assert log.poll() == [b"again"]


def test_a_copy_of_a_file_that_was_let_go_is_not_read(log):
    for number in range(8, 1, -1):
        log.rename(f"access.log.{number}")
        log.write(b"%d\n" % number)
        log.poll()
    log.poll(seconds=61)
    log.poll()
    (log.folder / "access.log.9").write_bytes((log.folder / "access.log.8").read_bytes())
    assert log.poll() == []


def test_a_file_that_was_moved_back_is_not_let_go(log):
    log.rename()
    log.write(b"short-lived\n")
    log.poll()
    (log.folder / "access.log.1").rename(log.path)
    with log.path.open("ab", buffering=0) as writer:
        log.poll()
        log.path.unlink()
        log.poll(seconds=61)
        writer.write(b"again\n")
        assert log.poll() == [b"again"]


def test_the_name_may_change_between_looking_and_opening(log, monkeypatch):
    log.write(b"", "elsewhere")
    other = (log.folder / "elsewhere").stat()
    with monkeypatch.context() as lying:
        lying.setattr(Path, "stat", lambda _: other)
        log.write(b"more\n")
        assert log.poll() == [b"more"]
    assert log.counted() == {}


def test_a_file_that_was_let_go_and_is_moved_back_goes_on_where_it_was(log):
    for number in range(8, 1, -1):
        log.rename(f"access.log.{number}")
        log.write(b"%d\n" % number)
        log.poll()
    log.poll(seconds=61)
    log.poll()
    (log.folder / "access.log.8").rename(log.path)
    log.write(b"again\n")
    assert log.poll() == [b"again"]


def test_a_file_that_was_let_go_is_read_on_when_somebody_writes_to_it(log):
    for number in range(8, 1, -1):
        log.rename(f"access.log.{number}")
        log.write(b"%d\n" % number)
        log.poll()
    log.poll(seconds=61)
    log.write(b"very late\n", "access.log.8")
    log.rename()
    log.write(b"new\n")
    assert log.poll() == [b"very late", b"new"]


def test_unlinked_files_are_let_go_after_the_grace_and_give_their_unended_line(log):
    log.write(b"no newline")
    log.poll()
    log.path.unlink()
    log.write(b"new\n")
    assert log.poll() == [b"new"]
    assert log.poll(seconds=59) == []
    assert log.poll(seconds=2) == [b"no newline"]
    held = {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
    assert [name for name in held if str(log.folder) in name] == [str(log.path)]


def test_the_grace_begins_with_the_rotation(log):
    log.write(b"half")
    log.poll()
    log.poll(seconds=200)
    with log.path.open("ab", buffering=0) as writer:
        log.path.unlink()
        log.write(b"new\n")
        assert log.poll() == [b"new"]
        writer.write(b" done\n")
        assert log.poll() == [b"half done"]


def test_a_link_that_is_pointed_elsewhere(tmp_path):
    log = Log(tmp_path)
    for name in ("0.log", "1.log"):
        log.write(name.encode() + b"\n", name)
    log.path.symlink_to("0.log")
    log.start()
    assert log.poll() == [b"0.log"]
    log.write(b"last of 0\n", "0.log")
    log.path.unlink()
    log.path.symlink_to("1.log")
    assert log.poll() == [b"last of 0", b"1.log"]
    log.tail.close()


def test_rotations_of_what_a_link_points_to(tmp_path):
    """As the kubelet does it: 0.log becomes 0.log.20261124-120000, and the link stays."""
    log = Log(tmp_path)
    log.write(b"one\n", "0.log")
    log.path.symlink_to("0.log")
    log.start().poll()
    for hour in (12, 13):
        (tmp_path / "0.log").rename(tmp_path / f"0.log.20261124-{hour}0000")
        log.write(b"after %d\n" % hour, "0.log")
    assert log.poll() == [b"after 12", b"after 13"]
    log.tail.close()


def test_rotations_of_what_a_link_pointed_to_before(tmp_path):
    log = Log(tmp_path)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    log.write(b"one\n", "a/0.log")
    log.path.symlink_to("a/0.log")
    log.start().poll()
    (tmp_path / "a/0.log").rename(tmp_path / "a/0.log.20261124-120000")
    log.write(b"two\n", "a/0.log.20261124-130000")
    log.write(b"three\n", "b/0.log")
    log.path.unlink()
    log.path.symlink_to("b/0.log")
    assert log.poll() == [b"two", b"three"]
    log.tail.close()


def test_links_beside_the_log_are_not_followed(log):
    """Whoever may write to the folder must not make us read what he may not."""
    (log.folder / "secret").write_bytes(b"secret\n")
    (log.folder / "access.log.1").symlink_to("secret")
    os.mkfifo(log.folder / "access.log.2")
    log.write(b"new\n")
    assert log.poll() == [b"new"]


def test_what_looks_like_a_rotated_file(tmp_path):
    ours = ["access.log.1", "access.log-20261122", "access.log.old", "access.log.2026-11-22", "access-20261122.log"]
    others = ["access.log.1.gz", "access-2.log", "access.log.offset", "error.log.1", "xaccess.log.1", "access.log.12345"]
    for name in [*ours, *others]:
        (tmp_path / name).touch()
    assert sorted(Path(name).name for name in siblings(str(tmp_path / "access.log"))) == sorted(ours)


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("access.log.1", "access.log.2"),
        ("access.log.9", "access.log.10"),
        ("access.log-20261123", "access.log-20261122"),
        ("access-20261123.log", "access-20261122.log"),
        ("/2026-11-24/0.log.20261124-130000", "/2026-11-24/0.log.20261124-120000"),
    ],
)
def test_which_of_two_rotated_files_is_newer(newer, older):
    assert rotated_later(newer, older)
    assert not rotated_later(older, newer)
    assert not rotated_later(newer, newer)
