"""The collector's log: where it reads from, what it says of its size, and what it gives back."""

import pytest

from tests.story.peers import line, lines_of, write
from unmasq.base.errors import InputError
from unmasq.base.notes import Level, Notes
from unmasq.base.telemetry import Counters
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


def test_a_level_that_does_not_matter_enough_is_not_said(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"x" * 5000)
    reader, said = opened(log, warn_bytes=1, most=Level.PANIC)
    list(reader.poll(1))
    assert said == []
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
