"""What waits for a peer that does not take it is bounded, and every report that is dropped is counted."""

import threading
from contextlib import contextmanager

import grpc
import pytest

from tests.lab.deadline import until
from tests.story.peers import Felix, line, short_folder, write
from unmasq.base.clock import ManualClock, SystemClock
from unmasq.base.errors import Unreachable
from unmasq.base.notes import Level, Notes
from unmasq.base.telemetry import Counters
from unmasq.node.collector import reporting
from unmasq.node.collector.log import CollectorLog
from unmasq.node.collector.reporting import Reporting
from unmasq.node.collector.settings import CollectorSettings
from unmasq.node.collector.state import CollectorState


class Reporter:
    """The reports of a log to whoever answers in a folder, once a second."""

    def __init__(self, folder, clock=None):
        self.log, self.counters, self._socket = folder / "log", Counters(), folder / "s"
        self.log.touch()
        self.said, self.state = list[str](), CollectorState()
        notes = Notes(Level.PANIC, self.said.append)
        self._reader = CollectorLog(str(self.log), self.counters, notes, warn_bytes=1 << 30, give_back=False)
        settings = CollectorSettings(interval_seconds=1)
        self._reporting = Reporting(self._reader, settings, clock or SystemClock(), self.counters, notes, self.state)

    def run(self, stop):
        with grpc.insecure_channel(f"unix:{self._socket}") as channel:
            self._reporting.run(channel, stop)

    @contextmanager
    def running(self):
        stop = threading.Event()
        thread = threading.Thread(target=self.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(20)


@pytest.fixture
def folder():
    with short_folder() as folder:
        yield folder


def test_the_oldest_are_dropped_when_too_many_wait(folder, monkeypatch):
    monkeypatch.setattr(reporting, "MOST_WAITING", 5)
    reporter = Reporter(folder)
    write(reporter.log, *(line(n, f"192.0.2.{n}", port=n) for n in range(1, 9)))
    with Felix(folder / "s") as felix, reporter.running():
        until(lambda: len(felix.reports) == 5, "those that may wait")
    assert felix.named() == [f"192.0.2.{n}" for n in range(4, 9)]
    assert reporter.counters.of("reports_dropped", "full") == 3


def test_nor_may_more_than_so_many_bytes_wait(folder, monkeypatch):
    monkeypatch.setattr(reporting, "MOST_WAITING_BYTES", 300)
    reporter = Reporter(folder)
    write(reporter.log, *(line(n, f"192.0.2.{n}", port=n) for n in range(101, 109)))
    with Felix(folder / "s") as felix, reporter.running():
        until(lambda: felix.named()[-1:] == ["192.0.2.108"], "the last")
    assert 2 <= len(felix.raw) == 8 - reporter.counters.of("reports_dropped", "full") < 8
    assert sum(map(len, felix.raw)) <= 300


def test_one_report_may_always_wait(folder, monkeypatch):
    monkeypatch.setattr(reporting, "MOST_WAITING_BYTES", 1)
    reporter = Reporter(folder)
    write(reporter.log, line(1, "192.0.2.1"))
    with Felix(folder / "s") as felix, reporter.running():
        until(felix.named, "the report")
    assert (felix.named(), reporter.counters.of("reports_dropped")) == (["192.0.2.1"], 0)


def test_a_report_has_the_same_name_each_time_and_no_other_has_it(folder):
    reporter, names = Reporter(folder), []

    def noted(answer):
        def answered(context):
            names.append(dict(context.invocation_metadata())["unmasq-report"])
            if not answer:
                context.abort(grpc.StatusCode.INTERNAL, "no")

        return answered

    write(reporter.log, line(1, "192.0.2.1", port=1), line(2, "192.0.2.2", port=2))
    with Felix(folder / "s") as felix:
        felix.answers = [noted(answer=False), noted(answer=True), noted(answer=True)]
        with pytest.raises(Unreachable):
            reporter.run(threading.Event())
        with reporter.running():
            until(lambda: len(names) == 3, "both")
    assert names[0] == names[1] != names[2]


def test_a_log_that_began_empty_is_read_again_by_the_next_process_until_it_is_delivered(folder):
    reporter = Reporter(folder)
    write(reporter.log, line(1, "192.0.2.1"))
    with Felix(folder / "s") as felix:
        felix.answers = [False] * 9
        with reporter.running():
            until(lambda: len(felix.answers) < 9, "an attempt")
            felix.answers.clear()
            felix.answers += [False] * 9
    assert felix.named() == []
    with Felix(folder / "s") as felix, Reporter(folder).running():  # the first one dies with what it has not delivered
        until(felix.named, "the report")


def test_it_turns_with_every_report_that_a_slow_peer_takes(folder):
    clock, idle_us = ManualClock(10**15), []
    reporter = Reporter(folder, clock)

    def slow(_context):
        idle_us.append(clock.now_us() - reporter.state.turned_us)
        clock.move_to(clock.now_us() + 5_000_000)

    write(reporter.log, *(line(n, f"192.0.2.{n}", port=n) for n in range(1, 9)))
    clock.move_to(clock.now_us() + 2_000_000)
    with Felix(folder / "s") as felix:
        felix.answers = [slow] * 8
        with reporter.running():
            until(lambda: len(felix.reports) == 8, "all")
    assert idle_us == [0] * 8


def test_what_is_refused_too_often_is_dropped_and_the_rest_sent(folder, monkeypatch):
    monkeypatch.setattr(reporting, "MOST_TRIES", 2)
    reporter = Reporter(folder)
    write(reporter.log, line(1, "192.0.2.1", port=1), line(2, "192.0.2.2", port=2))
    with Felix(folder / "s") as felix:
        felix.answers = [False, False]
        with reporter.running():
            until(felix.named, "the second")
    assert felix.named() == ["192.0.2.2"]
    assert reporter.counters.of("reports_dropped", "tried") == 1
    assert [said.partition(",")[0] for said in reporter.said] == [
        "warning: reports are refused",
        "warning: reports are dropped (tried): nobody took them for too long",
    ], "each once, whatever the level"


def test_what_was_not_delivered_waits_for_the_next_connection(folder):
    reporter = Reporter(folder)
    write(reporter.log, line(1, "192.0.2.1"))
    with Felix(folder / "s") as felix:
        felix.answers = [lambda context: context.abort(grpc.StatusCode.INTERNAL, "no\x1b[1m")]
        with pytest.raises(Unreachable, match=r"takes nothing\n  why:  whoever listens refuses it, internal: no\\x1b\[1m"):
            reporter.run(threading.Event())
        assert reporter.counters.of("reports_failed", "internal") == 1
        with reporter.running():
            until(felix.named, "the report")


def test_nobody_there_is_said(folder, monkeypatch):
    monkeypatch.setattr(reporting, "_DEADLINE_SECONDS", 0.2)
    with pytest.raises(Unreachable, match="nobody listens"):
        Reporter(folder).run(threading.Event())
