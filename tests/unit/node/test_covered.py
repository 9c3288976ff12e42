"""A batch names the files of its own lines, and a node knows only those in which a line waits."""

from collections.abc import Iterator

import numpy as np

from unmasq.base.clock import MICROSECONDS
from unmasq.base.telemetry import Counters
from unmasq.join.lines import JoinedLines
from unmasq.join.settings import WindowSettings
from unmasq.model.flowbatch import FlowBatch, LineColumns
from unmasq.model.ingress import Chunk, FileIdentity, Frames, Run
from unmasq.node import covered, desk
from unmasq.node.desk import Desk
from unmasq.node.flows import Surroundings
from unmasq.unwind.trust import TrustList

NOW_US = 1_800_000_000_000_000
LINE = (
    b'unmasq: {"source_port": "", "destination_ip": "10.0.0.80", "destination_port": 80, "source_ip": "192.0.2.1", "x-forwarded-for": "-", '
    b'"x-real-ip": "-"}\n'
)


def file(number: int) -> FileIdentity:
    return FileIdentity(1, number, "12-ab")


class Reading:
    """A desk that gets a line of one file a second, without a kernel: its flow is complete soon after its interval."""

    def __init__(self) -> None:
        settings, around = WindowSettings(interval_us=MICROSECONDS, linger_us=MICROSECONDS), Surroundings("node-1", TrustList())
        self.desk, self.now_us = Desk(settings, Counters(), lambda: around, witnessed=False, began_us=NOW_US), NOW_US

    def read(self, number: int, start: int = 0) -> Iterator[FlowBatch]:
        self.desk.take_lines(Chunk(file(number), "log", start, LINE, live=True), self.now_us)
        self.now_us += MICROSECONDS
        yield from self.desk.close(self.now_us)


def test_a_batch_names_only_the_files_of_its_lines():
    reading = Reading()
    batches = [batch for number in range(20) for batch in reading.read(number)]
    assert len(batches) > 10
    assert all(len(batch.files) == len({*batch.lines.file.tolist()}) <= 3 for batch in batches)
    found = [run for batch in batches for run in batch.covered().items()]
    assert found == [(file(number), [(0, len(LINE))]) for number in range(len(found))]


def test_files_without_a_waiting_line_are_forgotten_and_those_that_go_on_are_covered_all_the_same(monkeypatch):
    monkeypatch.setattr(covered, "MANY_FILES", 8)
    files = covered.Files()
    monkeypatch.setattr(desk, "Files", lambda: files)
    reading, whole = Reading(), dict[FileIdentity, list[tuple[int, int]]]()
    for number in range(100):
        for one in (number, 1000):  # one comes and goes, the other is written for ever
            for batch in reading.read(one, number * len(LINE)):
                for each, runs in batch.covered().items():
                    whole.setdefault(each, []).extend(runs)
        assert len(files) <= 16
    [last] = reading.desk.close(reading.now_us, everything=True)
    for each, runs in last.covered().items():
        whole.setdefault(each, []).extend(runs)
    starts = [start for start, _ in sorted(whole.pop(file(1000)))]
    assert starts == [number * len(LINE) for number in range(100)]
    assert whole == {file(number): [(number * len(LINE), (number + 1) * len(LINE))] for number in range(100)}


def test_the_files_of_a_line_in_parts_are_kept_until_the_line_is_handed_on(monkeypatch):
    monkeypatch.setattr(covered, "MANY_FILES", 1)
    files = covered.Files()
    first, line = files.number(file(1)), JoinedLines.filled(1, file=0, start=7, end=9)
    files.note(
        first, Frames(np.array([7]), np.array([9]), np.zeros(1, "i8"), np.zeros(1, "u1"), np.zeros(1, "?"), {0: [Run(file(2), 3, 5)]})
    )
    files.tidy([])
    named, runs = files.named(LineColumns.filled(2, file=np.array([*(run[0] for _, run in files.parts_of(line)), first])))
    assert [named[row] for row in runs.file.tolist()] == [file(2), file(1)]
    files.forget(line)
    for number in range(3, 9):
        files.number(file(number))
    files.tidy([])
    assert len(files) == 0
