"""`unmasq collect` and a peer that knows only Report, as Felix does: real processes, real gRPC, real sockets."""

import socket

import grpc
import pytest

from tests.lab.deadline import until
from tests.story.peers import Collecting, Felix, line, short_folder, write


@pytest.fixture
def folder():
    with short_folder() as folder:
        (folder / "log").touch()
        yield folder


def test_what_is_written_is_reported_once_and_nothing_older(folder):
    write(folder / "log", line(0, "9.9.9.9"))
    with Felix(folder / "s") as felix, Collecting(folder / "log", folder / "s") as collecting:
        until(lambda: collecting.ask("/readyz")[0] == 200, "the collector to know where its log ended", 20)
        write(folder / "log", *(line(n, f"192.0.2.{n}") for n in range(3)))
        until(lambda: len(felix.reports) == 1, "one report")
        write(folder / "log", line(4, "1.1.1.1", "2.2.2.2"))
        until(lambda: len(felix.reports) == 2, "a second report")
    assert felix.named() == ["192.0.2.0", "192.0.2.1", "192.0.2.2", "2.2.2.2"]


def test_what_is_written_while_nobody_collects_is_reported_too(folder):
    with Felix(folder / "s") as felix:
        with Collecting(folder / "log", folder / "s") as collecting:
            until(lambda: collecting.ask("/readyz")[0] == 200, "a connection", 20)
            write(folder / "log", line(1, "192.0.2.1"))
            until(lambda: collecting.metric("reports_sent"), "the first report", 20)
            collecting.kill()
        write(folder / "log", line(2, "192.0.2.2"))
        with Collecting(folder / "log", folder / "s"):
            until(lambda: len(felix.reports) == 2, "the second", 20)
    assert felix.named() == ["192.0.2.1", "192.0.2.2"]


def test_blocks_that_felix_has_are_given_back(folder):
    log = folder / "log"
    write(log, *(line(n) for n in range(20_000)))
    before = log.stat().st_blocks
    with Felix(folder / "s") as felix, Collecting(log, folder / "s", "--give-back") as collecting:
        collecting.reads()
        write(log, line(1, "192.0.2.1"))
        until(lambda: collecting.metric("collector_given_back_bytes"), "blocks to be freed", 40)
    assert log.stat().st_blocks < before / 2
    assert felix.named() == ["192.0.2.1"]


@pytest.mark.parametrize("level", ["Panic", "Trace"])
def test_that_nobody_listens_is_said_once_at_any_level_and_again_when_it_is_something_else(folder, level):
    asks = "is `unmasq node --policy-sync` up and the volume mounted? tried again"
    with Collecting(folder / "log", folder / "s", LOG_LEVEL=level) as collecting:
        until(lambda: collecting.metric("collector_disconnected") >= 2, "two attempts to fail", 20)
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(folder / "s"))
        before = collecting.metric("collector_disconnected")
        until(lambda: collecting.metric("collector_disconnected") >= before + 2, "two more", 20)
        said = [line for line in collecting.end().splitlines() if line.startswith("warning: ")]
    assert said == [f"warning: nobody listens on {folder}/s: {why}; {asks}" for why in ("No such file or directory", "Connection refused")]


@pytest.mark.parametrize("flags", [(), ("--reports-only",)])
def test_whoever_is_no_peer_is_told_apart_from_nobody(folder, flags):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(folder / "s"))
        silent.listen()
        with Collecting(folder / "log", folder / "s", *flags) as collecting:
            until(lambda: collecting.metric("collector_disconnected"), "an attempt to fail", 40)
            said = collecting.end()
    assert f"warning: {folder}/s takes nothing: whoever listens" in said
    assert "UNAVAILABLE" not in said


@pytest.mark.parametrize("level", ["Panic", "Trace"])
def test_that_the_log_is_not_there_yet_is_said_once_at_any_level_and_it_is_waited_for(folder, level):
    log = folder / "later"
    with Felix(folder / "s") as felix, Collecting(log, folder / "s", LOG_LEVEL=level) as collecting:
        until(lambda: collecting.ask("/readyz")[0] == 200, "a connection", 20)
        write(log, line(0, "192.0.2.1"))
        until(felix.named, "the report", 20)
        said = collecting.end()
    assert said.count(f"warning: {log} is not there yet: waiting for it; INGRESS_LOG_PATH says where the proxy writes\n") == 1
    assert said.count("not there yet") == 1


def test_a_log_that_can_be_none_is_said_with_its_variable(folder):
    with Collecting(folder, folder / "s") as collecting:
        assert collecting.process.wait(20) == 2
        assert "INGRESS_LOG_PATH" in collecting.end()


def test_the_limit_is_heard(folder):
    with Felix(folder / "s") as felix, Collecting(folder / "log", folder / "s", INGRESS_LOG_REQUESTS_PER_INTERVAL="-1") as collecting:
        collecting.reads()
        write(folder / "log", *(line(n, f"192.0.2.{n}") for n in range(25)))
        until(lambda: sum(report.stats[0].value for report in felix.reports) == 25, "all to be counted")
    assert len(felix.named()) == 25


def test_a_socket_that_is_not_there_yet_is_waited_for(folder):
    with Collecting(folder / "log", folder / "s") as collecting:
        collecting.reads()
        write(folder / "log", line(1, "192.0.2.1"))
        until(lambda: collecting.metric("collector_disconnected") >= 2, "two attempts to fail", 20)
        assert collecting.ask("/readyz")[0] == 503
        assert collecting.ask("/healthz")[0] == 200
        with Felix(folder / "s") as felix:
            until(lambda: felix.named() == ["192.0.2.1"], "the report", 20)


def test_a_peer_that_goes_and_comes_back_misses_nothing(folder):
    with Collecting(folder / "log", folder / "s") as collecting:
        collecting.reads()
        with Felix(folder / "s") as first:
            write(folder / "log", line(1, "192.0.2.1"))
            until(lambda: collecting.metric("reports_sent") == 1, "the report before", 20)
        write(folder / "log", line(2, "192.0.2.2"))
        with Felix(folder / "s") as second:
            until(second.named, "the report after", 20)
    assert (first.named(), second.named()) == (["192.0.2.1"], ["192.0.2.2"])


def test_what_was_not_taken_is_sent_again_and_counted(folder):
    with Felix(folder / "s") as felix, Collecting(folder / "log", folder / "s", LOG_LEVEL="Debug") as collecting:
        felix.answers = [False, False, lambda context: context.abort(grpc.StatusCode.UNAVAILABLE, "not now")]
        collecting.reads()
        write(folder / "log", line(1, "192.0.2.1"))
        until(felix.named, "the report", 20)
        assert felix.answers == []
        until(lambda: collecting.metric("reports_sent") == 1, "it to be counted")
        assert (collecting.metric("reports_resent"), collecting.metric("reports_refused"), collecting.metric("reports_failed")) == (3, 2, 1)
        assert "1 reports sent, 0 wait" in collecting.end()
    assert felix.named() == ["192.0.2.1"]


def test_what_waits_behind_a_refused_report_is_sent_after_it(folder):
    with Felix(folder / "s") as felix, Collecting(folder / "log", folder / "s") as collecting:
        felix.answers = [True, False]
        collecting.reads()
        write(folder / "log", *(line(n, f"192.0.2.{n}", port=n) for n in (1, 2, 3)))
        until(lambda: len(felix.reports) == 3, "three reports", 20)
    assert felix.named() == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


def test_what_is_there_when_it_is_told_to_end_is_still_sent(folder):
    with Felix(folder / "s") as felix, Collecting(folder / "log", folder / "s", INGRESS_LOG_INTERVAL_SECONDS="3600") as collecting:
        collecting.reads()
        write(folder / "log", line(1, "192.0.2.1"))
        until(lambda: collecting.metric("collector_read_bytes"), "the line to be read")
        collecting.end()
        assert collecting.process.returncode == 0
    assert felix.named() == ["192.0.2.1"]


@pytest.mark.parametrize("name", ["INGRESS_LOG_INTERVAL_SECONDS", "INGRESS_LOG_REQUESTS_PER_INTERVAL", "LOG_LEVEL", "FELIX_DIAL_TARGET"])
def test_nonsense_is_refused_at_start(folder, name):
    with Collecting(folder / "log", folder / "s", **{name: "nonsense"}) as collecting:
        assert collecting.process.wait(20) == 2
        assert name in collecting.end()
