"""A node reads what else it is given like its own logs, and lets all of it go at the end."""

from contextlib import nullcontext

import pytest

from unmasq.base.clock import ManualClock
from unmasq.base.errors import InputError, StoreError
from unmasq.base.telemetry import Counters
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.node.live import LiveNode
from unmasq.node.watch import Keeper, Watch
from unmasq.unwind.trust import TrustList

NOW_US = 1_800_000_000_000_000
FILE, FILE_TOO = FileIdentity(7, 8, "12-ab"), FileIdentity(7, 99, "12-ab")
LINE = b'unmasq: {"source_port": "", "destination_ip": "10.0.0.80", "destination_port": 80, "source_ip": "192.0.2.1"}\n'


class Handed:
    """A log that gives one line, of a file that was begun behind its first hundred bytes."""

    def __init__(self) -> None:
        self.begun = {FILE: 100}
        self.left, self.closed = [Chunk(FILE, "handed", 100, LINE, live=True)], 0

    def poll(self, now_us):
        yield from self.left
        self.left = []

    def close(self) -> None:
        self.closed += 1


def node(log, sink, committed, logs=()):
    keeper = Keeper(sink.append, committed.append, TrustList, nullcontext())
    return LiveNode(Watch("node-1", logs, kernel=False), keeper, {}, ManualClock(NOW_US), Counters(), [log])


def test_a_log_that_is_handed_over_is_read_begun_and_closed(tmp_path):
    (tmp_path / "log").write_bytes(b"")
    log, sink, committed = Handed(), list[FlowBatch](), list[FlowBatch]()
    with node(log, sink, committed, [str(tmp_path / "log")]) as live:
        live.turn()
        live.turn()
        live.pipeline.finish()
        assert log.closed == 0
    assert [(batch.files, batch.lines.start.tolist(), batch.lines.end.tolist()) for batch in sink] == [([FILE], [100], [100 + len(LINE)])]
    assert [(batch.files, batch.lines.start.tolist(), batch.lines.end.tolist()) for batch in committed] == [([FILE], [0], [100])]
    assert log.closed == 1


class Growing(dict[FileIdentity, int]):
    """What a source that never forgets says of its files; counts how often all of it is looked through."""

    looks = 0

    def items(self):
        self.looks += 1
        return super().items()

    def __iter__(self):
        self.looks += 1
        return super().__iter__()


def test_files_that_were_begun_are_committed_once_and_looked_through_only_where_there_are_more(tmp_path):
    log, committed = Handed(), list[FlowBatch]()
    log.begun = Growing({FileIdentity(7, number, "12-ab"): 100 for number in range(50)})
    with node(log, [], committed) as live:
        for _ in range(5):
            live.turn()
        assert log.begun.looks == 2
        log.begun[FILE_TOO] = 3
        live.turn()
        live.turn()
        assert log.begun.looks == 4
    assert [len(batch.files) for batch in committed] == [50, 1]
    assert committed[1].files == [FILE_TOO]


def test_what_could_not_be_committed_is_tried_again(tmp_path):
    log, committed = Handed(), list[FlowBatch]()

    def commit(batch: FlowBatch) -> None:
        committed.append(batch)
        if len(committed) == 1:
            raise StoreError("the disk is full")

    keeper = Keeper(lambda _: None, commit, TrustList, nullcontext())
    with LiveNode(Watch("node-1", (), kernel=False), keeper, {}, ManualClock(NOW_US), Counters(), [log]) as live:
        with pytest.raises(StoreError):
            live.turn()
        live.turn()
        live.turn()
    assert [batch.files for batch in committed] == [[FILE], [FILE]]


def test_what_is_written_while_the_interval_is_asked_for_is_read(tmp_path):
    """Logs and the kernel are watched from the first moment on, however long a server takes to answer."""
    log, sink = tmp_path / "log", list[FlowBatch]()
    log.write_bytes(LINE)

    def asked() -> int:
        with log.open("ab") as file:
            file.write(LINE * 2)
        return 5_000_000

    keeper = Keeper(sink.append, lambda _: None, TrustList, nullcontext(), interval_us=asked)
    with LiveNode(Watch("node-1", [str(log)], kernel=False), keeper, {}, ManualClock(NOW_US), Counters()) as live:
        live.turn()
        live.pipeline.finish()
    (flows,) = [batch.flows for batch in sink]
    assert flows.requests.tolist() == [2]
    assert (flows.interval_end_us - flows.interval_start_us).tolist() == [5_000_000]


def test_a_log_is_closed_also_where_another_cannot_be_read(tmp_path):
    log = Handed()
    with pytest.raises(InputError):
        node(log, [], [], [str(tmp_path)])
    assert log.closed == 1
