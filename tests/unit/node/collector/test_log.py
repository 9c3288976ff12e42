"""The collector's log: where it reads from, what it says of its size, and what it gives back."""

import json

import pytest

from tests.story.peers import line, lines_of, write
from unmasq.base.errors import InputError
from unmasq.base.notes import Level, Notes
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import FileIdentity
from unmasq.node.collector.log import CollectorLog

LOOK = 20_000_000


def opened(path, *, warn_bytes=1 << 30, give_back=False, most=Level.WARNING):
    said: list[str] = []
    return CollectorLog(str(path), Counters(), Notes(most, said.append), warn_bytes=warn_bytes, give_back=give_back), said


def test_it_reads_from_the_end_until_it_is_told_what_is_kept(tmp_path):
    log = tmp_path / "log"
    write(log, line(0), line(1))
    reader, _ = opened(log)
    write(log, line(2))
    [chunk] = reader.poll(1)
    assert lines_of([chunk]) == [line(2)]
    reader.resume({})
    assert lines_of(list(reader.poll(2))) == [line(0), line(1), line(2)]
    reader.resume({chunk.file: [(0, len(line(0)))]})
    assert lines_of(list(reader.poll(3))) == [line(1), line(2)]
    reader.close()


def test_it_warns_when_the_log_grows_and_again_when_it_has_doubled(tmp_path):
    log = tmp_path / "log"
    reader, said = opened(log, warn_bytes=1 << 20)
    for number, size in enumerate([1 << 19, 2 << 20, 3 << 20, 5 << 20]):
        log.write_bytes(b"x" * size)
        list(reader.poll(number * LOOK))
    assert said == [f"warning: {log} has grown to 2 MiB", f"warning: {log} has grown to 5 MiB"]
    reader.close()


def test_that_it_grows_is_said_once_whatever_the_level(tmp_path):
    log = tmp_path / "log"
    reader, said = opened(log, warn_bytes=1 << 20, most=Level.PANIC)
    for number, size in enumerate([2 << 20, 5 << 20]):
        log.write_bytes(b"x" * size)
        list(reader.poll(number * LOOK))
    assert said == [f"warning: {log} has grown to 2 MiB"]
    reader.close()


@pytest.mark.parametrize("give_back", [True, False])
def test_only_what_is_acknowledged_is_given_back_and_only_if_asked(tmp_path, give_back):
    log = tmp_path / "log"
    write(log, *(line(n) for n in range(30_000)))
    before = log.read_bytes()
    reader, _ = opened(log, give_back=give_back)
    reader.resume({})
    [file] = {chunk.file for chunk in reader.poll(0)}
    reader.acknowledge({file: [(0, 3 << 20), (4 << 20, 5 << 20)]})
    list(reader.poll(LOOK))
    after = log.read_bytes()
    kept = 4096 if give_back else 3 << 20
    freed = slice(kept, (3 << 20) - (1 << 16))
    assert after[:kept] == before[:kept]
    assert after[3 << 20 :] == before[3 << 20 :]
    assert (set(after[freed]) == {0}) == give_back
    reader.close()


def test_what_was_there_before_reading_began_is_given_back_too(tmp_path):
    log = tmp_path / "log"
    write(log, *(line(n) for n in range(30_000)))
    before = log.stat().st_blocks
    reader, _ = opened(log, give_back=True)
    write(log, line(30_000))
    assert lines_of(list(reader.poll(0))) == [line(30_000)]
    assert log.stat().st_blocks < before / 2
    reader.close()


def test_the_next_process_goes_on_behind_what_was_acknowledged(tmp_path):
    log = tmp_path / "log"
    write(log, line(0))
    first, _ = opened(log)
    write(log, line(1))
    [chunk] = first.poll(1)
    first.acknowledge({chunk.file: [(chunk.start, chunk.start + len(chunk.data))]})
    first.save()
    write(log, line(2))
    assert lines_of(list(first.poll(2))) == [line(2)]  # and it dies
    log.rename(tmp_path / "log.1")
    write(log, line(3))
    second, said = opened(log)
    assert lines_of(list(second.poll(3))) == [line(2), line(3)]
    assert said == []


def test_where_reading_began_is_saved_before_anything_is_read(tmp_path):
    log = tmp_path / "log"
    write(log, line(0))
    opened(log)  # dies at once
    write(log, line(1))
    reader, _ = opened(log)
    assert lines_of(list(reader.poll(1))) == [line(1)]


def test_a_file_that_began_empty_is_read_again_until_it_is_acknowledged(tmp_path):
    log = tmp_path / "log"
    log.touch()
    first, _ = opened(log)
    write(log, line(0))
    assert lines_of(list(first.poll(1))) == [line(0)]
    first.pass_over()
    second, _ = opened(log)
    assert lines_of(list(second.poll(2))) == [line(0)]


def test_a_folder_that_cannot_be_written_is_said_and_done_without(tmp_path):
    log = tmp_path / "log"
    write(log, line(0))
    (tmp_path / ".log.unmasq.new").mkdir()  # root can write into any folder
    reader, said = opened(log, most=Level.PANIC)
    write(log, line(1))
    assert lines_of(list(reader.poll(1))) == [line(1)]
    assert len(said) == 1
    assert "cannot be written: Is a directory" in said[0]


GARBAGE = [b"", b"\xff", b"{}x", b"7", b"[" * 60_000, b"[7]", b'[[1, 2, "x"]]', b'[[1, 2, "x", -1]]', b'[[1, "2", "x", 1]]']


@pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
def test_a_cursor_that_is_garbage_is_said_and_done_without(tmp_path, data):
    log = tmp_path / "log"
    write(log, line(0))
    (tmp_path / ".log.unmasq").write_bytes(data)
    reader, said = opened(log, most=Level.PANIC)
    assert list(reader.poll(1)) == []
    assert len(said) == 1
    assert "cannot be read: it is garbage" in said[0]


def test_what_is_remembered_is_bounded(tmp_path):
    (tmp_path / "log").touch()
    reader, _ = opened(tmp_path / "log")
    for number in range(100):
        reader.acknowledge({FileIdentity(1, number, "4-ab"): [(0, 2)]})
    reader.save()
    saved = json.loads((tmp_path / ".log.unmasq").read_bytes())
    assert [inode for _, inode, _, _ in saved] == list(range(84, 100))


def test_a_log_that_was_truncated_meanwhile_is_left_alone(tmp_path):
    log = tmp_path / "log"
    write(log, *(line(n) for n in range(30_000)))
    reader, _ = opened(log, give_back=True)
    reader.resume({})
    [file] = {chunk.file for chunk in reader.poll(0)}
    log.write_bytes(b"new\n" * 500_000)
    reader.acknowledge({file: [(0, 5 << 20)]})
    list(reader.poll(LOOK))
    assert log.read_bytes() == b"new\n" * 500_000
    reader.close()


def test_a_log_that_can_never_be_read_is_said_at_once(tmp_path):
    with pytest.raises(InputError):
        opened(tmp_path)
