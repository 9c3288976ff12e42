"""What a collector answers on its port."""

import urllib.request
from functools import partial

import pytest

from tests.lab.deadline import until
from tests.story.peers import free_port
from unmasq.base.clock import ManualClock
from unmasq.base.errors import UsageError
from unmasq.base.telemetry import Counters
from unmasq.node.collector.health import Answers, HealthServer, parse_address
from unmasq.node.collector.state import CollectorState

MINUTE = 60_000_000


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9100", ("127.0.0.1", 9100)),
        (":9100", ("", 9100)),
        ("10.0.0.1:9100", ("10.0.0.1", 9100)),
        ("[::1]:9100", ("::1", 9100)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_where_to_listen(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "x", "1:x", "70000", "-1", "\u0665"])
def test_where_nobody_can_listen(text):
    with pytest.raises(UsageError, match="not a port"):
        parse_address(text)


def test_a_port_that_is_taken_is_said(tmp_path):
    answers = Answers(str(tmp_path / "log"), CollectorState(), Counters(), ManualClock(0))
    with HealthServer(f"127.0.0.1:{free_port()}", answers) as server, pytest.raises(UsageError, match="cannot listen"):
        HealthServer(f"127.0.0.1:{server.port}", answers)


def test_it_is_alive_while_it_turns_and_ready_while_somebody_listens(tmp_path):
    state, clock = CollectorState(), ManualClock(10 * MINUTE)
    answers = Answers(str(tmp_path / "log"), state, Counters(), clock)
    assert [answers.of(path)[0] for path in ("/healthz", "/readyz", "/")] == [503, 503, 404]
    state.turned_us, state.speaks = clock.now_us(), "lines"
    assert [answers.of(path)[0] for path in ("/healthz", "/readyz")] == [200, 200]
    clock.move_to(11 * MINUTE)
    assert answers.of("/healthz")[0] == 503


def test_whoever_waits_for_a_peer_is_alive(tmp_path):
    state, clock = CollectorState("lines", turned_us=10 * MINUTE, held_since_us=10 * MINUTE), ManualClock(12 * MINUTE)
    answers = Answers(str(tmp_path / "log"), state, Counters(), clock)
    assert answers.of("/healthz")[::2] == (200, b"held back for 120.0 s\n")
    assert b"unmasq_collector_held_back_seconds 120.0\n" in answers.of("/metrics")[2]
    state.held_since_us = 0
    assert answers.of("/healthz")[0] == 503
    assert b"unmasq_collector_held_back_seconds 0.0\n" in answers.of("/metrics")[2]


def test_counters_and_gauges_in_the_text_format(tmp_path):
    counters = Counters()
    counters.add("reports_dropped", 3, 'a "reason"\n')
    (tmp_path / "log").write_bytes(b"x" * 5000)
    body = Answers(str(tmp_path / "log"), CollectorState("lines"), counters, ManualClock(0)).of("/metrics")[2].decode()
    assert 'unmasq_reports_dropped_total{reason="a \\"reason\\"\\n"} 3.0' in body
    assert "unmasq_collector_connected 1.0" in body
    assert "unmasq_collector_log_bytes 8192.0" in body


def test_any_address_is_both_families(tmp_path):
    answers = Answers(str(tmp_path / "log"), CollectorState("lines"), Counters(), ManualClock(0))
    with HealthServer(":0", answers) as server:
        for host in ("127.0.0.1", "[::1]"):
            assert until(partial(fetched, f"http://{host}:{server.port}/readyz"), "an answer") == b"speaks lines\n"


def fetched(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()
