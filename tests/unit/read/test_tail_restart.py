"""A reader that starts again: every byte that nobody kept is read, and no other."""

import itertools
import os

import pytest

from tests.unit.read.tail_log import Log, runs_of
from unmasq.model.ingress import FileIdentity


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path)
    yield log
    log.tail.close()


def begun(log):
    """What a store holds of a reader that died before anything else was kept."""
    return {identity: [(0, offset)] for identity, offset in log.tail.begun.items()}


def test_nothing_is_read_twice(log):
    log.write(b"one\ntwo\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.write(b"three\n")
    assert log.start(covered).poll() == [b"three"]
    assert not log.chunks[0].live


def test_gaps_are_read_again_and_nothing_else(log):
    log.write(b"".join(b"%d\n" % n for n in range(10)))
    log.start().poll()
    covered = {log.chunks[0].file: [(4, 6), (0, 2), (10, 16), (12, 14)]}
    assert log.start(covered).poll() == [b"1", b"3", b"4", b"8", b"9"]
    assert [chunk.start for chunk in log.chunks] == [2, 6, 16]
    assert log.counted() == {("tail_reread_bytes", ""): 6}


def test_a_gap_longer_than_a_chunk(log):
    log.write(b"".join(b"%03d\n" % n for n in range(100)))
    log.start().poll()
    covered = {log.chunks[0].file: [(0, 40), (200, 400)]}
    assert log.start(covered, chunk_bytes=10, longest_line=8).poll() == [b"%03d" % n for n in range(10, 50)]


@pytest.mark.parametrize("sizes", [(10, 20), (10, 1000), (10, 100, 256, 257, 5000), (255, 256), (300, 1000)])
def test_the_identity_stays_as_a_file_grows(log, sizes):
    log.write(b"x" * (sizes[0] - 1) + b"\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    for before, size in itertools.pairwise(sizes):
        log.write(b"y" * (size - before - 1) + b"\n")
        log.start(covered).poll()
        assert [chunk.start for chunk in log.chunks] == [before]
        for identity, runs in runs_of(log.chunks).items():
            assert identity in covered
            covered[identity] += runs


def test_a_file_of_which_nothing_is_kept_yet_is_ours_all_the_same(log):
    log.write(b"not ours\n")
    log.start(from_start=False).poll()
    log.write(b"one\n")
    assert log.poll() == [b"one"]
    covered = begun(log) or {chunk.file: [] for chunk in log.chunks}
    log.rename()
    log.write(b"two\n")
    assert log.start(covered, from_start=False).poll() == [b"one", b"two"]


def test_the_identity_is_made_of_whole_lines(log):
    log.write(b"one\ntwo\nhal")
    log.start().poll()
    assert log.chunks[0].file.fingerprint.startswith("8-")


def test_of_files_without_numbers_the_later_is_taken_by_its_time(log):
    log.write(b"one\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.rename("access.log.prev")
    log.write(b"two\n")
    log.rename("access.log.old")
    log.write(b"three\n")
    assert log.start(covered).poll() == [b"two", b"three"]


def test_the_log_is_rotated_while_nobody_reads(log):
    log.write(b"one\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.write(b"two\n")
    log.rename()
    log.write(b"three\n")
    assert log.start(covered, from_start=False).poll() == [b"two", b"three"]


def test_the_log_is_rotated_twice_while_nobody_reads(log):
    log.write(b"foreign\n", "access.log.9")
    log.write(b"one\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.write(b"two\n")
    log.rename("access.log.2")
    log.write(b"three\n")
    log.rename("access.log.1")
    log.write(b"four\n")
    os.utime(log.folder / "access.log.9", ns=(0, 0))
    assert log.start(covered).poll() == [b"two", b"three", b"four"]


def test_late_writes_to_the_older_of_two_files_that_were_rotated_while_nobody_read(log):
    log.write(b"one\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.rename("access.log.2")
    log.write(b"two\n")
    log.rename("access.log.1")
    log.write(b"three\n")
    os.utime(log.folder / "access.log.1", ns=(0, 0))
    log.write(b"late\n", "access.log.2")
    assert sorted(log.start(covered).poll()) == [b"late", b"three", b"two"]


def test_rotated_files_that_were_never_ours_are_not_read(log):
    log.write(b"before our time\n", "access.log.2")
    log.write(b"one\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.write(b"two\n")
    assert log.start(covered).poll() == [b"two"]


def test_late_writes_to_a_rotated_file_that_was_kept_whole(log):
    log.write(b"one\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.rename()
    log.write(b"two\n")
    log.start(covered)
    assert log.poll() == [b"two"]
    log.write(b"late\n", "access.log.1")
    assert log.poll() == [b"late"]


def test_copytruncate_while_nobody_reads(log):
    log.write(b"x" * 300 + b"\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.write(b"unread\n")
    log.copytruncate()
    log.write(b"y" * 400 + b"\n")
    assert log.start(covered).poll() == [b"unread", b"y" * 400]


def test_truncated_to_the_same_beginning_while_nobody_reads(log):
    log.write(b"x" * 300 + b"\nsecond\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.write(b"unread\n")
    log.copytruncate()
    log.write(b"x" * 300 + b"\n")
    log.start(covered).poll()
    assert [(chunk.start, chunk.data[:6], chunk.file.fingerprint[-2:]) for chunk in log.chunks][1:] == [(0, b"xxxxxx", "-2")]
    assert log.chunks[0].data == b"unread\n"


def test_a_copy_that_was_being_made_when_we_started(log):
    log.write(b"x" * 300 + b"\n" + b"kept\n" + b"unread\n")
    log.start().poll()
    covered = {log.chunks[0].file: [(0, 306)]}
    data = log.path.read_bytes()
    (log.folder / "access.log.1").write_bytes(data[:290])
    log.start(covered)
    (log.folder / "access.log.1").write_bytes(data)
    log.truncate()
    assert log.poll() == [b"unread"]


def test_a_copy_that_is_shorter_than_what_is_kept_is_read_until_it_is_kept(log):
    log.write(b"x" * 300 + b"\n")
    log.start().poll()
    log.copy()
    log.write(b"late\n")
    log.poll()
    covered = runs_of(log.chunks)
    log.truncate()
    log.start(covered)
    covered |= begun(log)
    assert log.start(covered).poll() == [b"x" * 300]


@pytest.mark.parametrize("lost", [1, 3, 7, 10])
def test_a_power_failure_took_bytes_that_are_kept(log, lost):
    """The store writes to the disk at once, the log some seconds later."""
    log.write(b"x" * 300 + b"\n" + b"second\n" + b"third\n")
    log.start().poll()
    size = log.path.stat().st_size
    covered = {log.chunks[0].file: [(0, 301), (308, size)]}
    os.truncate(log.path, size - lost)
    left = [b"second"[: 14 - 1 - lost]] if lost > 6 else [b"second"]
    assert log.start(covered).poll() == left
    log.write(b"after the boot, and longer than what was lost\n")
    assert log.poll() == [b"after the boot, and longer than what was lost"]
    assert [(chunk.start, chunk.file.fingerprint[-2:]) for chunk in log.chunks] == [(size - lost, "-2")]
    assert log.tail.begun[log.chunks[0].file] == size - lost


def test_a_file_that_was_shortened_is_followed_as_its_new_generation(log):
    log.write(b"x" * 300 + b"\n" + b"second\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    os.truncate(log.path, 301)
    log.start(covered).poll()
    log.write(b"after the boot\n")
    log.poll()
    for identity, offset in log.tail.begun.items():
        covered[identity] = [(0, offset)] + runs_of(log.chunks)[identity]
    log.write(b"more\n")
    assert log.start(covered).poll() == [b"more"]


def test_of_generations_that_begin_alike_the_latest_is_meant(log):
    log.write(b"x" * 300 + b"\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.truncate()
    log.poll()
    log.write(b"x" * 300 + b"\nmore\n")
    log.poll()
    covered |= runs_of(log.chunks)
    log.write(b"new\n")
    assert log.start(covered).poll() == [b"new"]


def test_an_inode_that_was_used_again_is_another_file(log):
    log.write(b"the old file\n")
    log.start().poll()
    (identity,) = runs_of(log.chunks)
    log.truncate()
    log.write(b"the new file, in the same inode\n")
    assert log.start({identity: [(0, 13)]}).poll() == [b"the new file, in the same inode"]
    assert log.chunks[0].file.inode == identity.inode


def test_a_new_file_that_begins_like_one_that_is_gone_is_another_file(log):
    log.write(b"x" * 300 + b"\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    with log.path.open():  # so that the inode is not used again
        log.path.unlink()
        log.write(b"x" * 300 + b"\nmore\n")
        assert log.start(covered).poll() == [b"x" * 300, b"more"]


def test_a_file_that_was_truncated_and_then_renamed_while_nobody_read(log):
    log.write(b"x" * 300 + b"\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.truncate()
    log.write(b"one\n")
    log.rename()
    log.write(b"two\n")
    assert log.start(covered).poll() == [b"one", b"two"]


def test_rotations_of_what_a_link_points_to_while_nobody_reads(log):
    log.write(b"one\n", "0.log")
    log.path.symlink_to("0.log")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.write(b"two\n", "0.log")
    (log.folder / "0.log").rename(log.folder / "0.log.20261124-120000")
    log.write(b"three\n", "0.log")
    assert log.start(covered).poll() == [b"two", b"three"]


def test_a_device_number_may_change_with_a_reboot(log):
    log.write(b"one\n")
    log.start().poll()
    (identity,) = runs_of(log.chunks)
    log.write(b"two\n")
    assert log.start({FileIdentity(identity.device + 1, identity.inode, identity.fingerprint): [(0, 4)]}).poll() == [b"two"]
    assert log.chunks[0].file.device == identity.device + 1


def test_a_new_file_beside_known_ones_is_read_from_its_start(log):
    log.write(b"one\n")
    log.start().poll()
    covered = runs_of(log.chunks)
    log.path.unlink()
    log.write(b"two\n")
    assert log.start(covered, from_start=False).poll() == [b"two"]


def test_identities_of_streams_and_other_logs_do_no_harm(log):
    log.write(b"one\n")
    covered = {FileIdentity(0, 0, "stdin:1"): [(0, 4)], FileIdentity(1, 2, "4-00"): [(0, 4)], FileIdentity(1, 3, ""): []}
    assert log.start(covered).poll() == [b"one"]


def test_finish_goes_on_from_an_earlier_run(log):
    log.write(b"one\n")
    log.start().finish()
    covered = runs_of(log.chunks)
    log.write(b"two\nlast")
    assert log.start(covered).finish() == [b"two", b"last"]
    for identity, runs in runs_of(log.chunks).items():
        covered[identity] += runs
    assert log.start(covered).finish() == []


def test_a_damaged_hash_is_another_file(log):
    log.write(b"one\n")
    log.start().poll()
    (identity,) = runs_of(log.chunks)
    wrong = FileIdentity(identity.device, identity.inode, identity.fingerprint[:-1] + "g")
    assert log.start({wrong: [(0, 4)]}).poll() == [b"one"]
