"""The process of a node: what it says of itself while its sender fails."""

import sqlite3
import threading
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from tests.crash.shipping import free_port
from tests.lab.deadline import until
from unmasq.base.telemetry import Counters
from unmasq.cli.node import NodeOptions
from unmasq.cli.shipping import Spooling, Work
from unmasq.keep.spool.batches import Spool
from unmasq.keep.spool.cover import CoveredLines
from unmasq.node.upstream import Upstream
from unmasq.observe import switches


@contextmanager
def working(tmp_path, **watched: Any):
    """A node whose server is not there, and what its port for health answers."""
    server, port = f"http://127.0.0.1:{free_port()}", free_port()
    (tmp_path / "log").touch()
    watched = {"input": [str(tmp_path / "log")], "kernel": False, **watched}
    options = NodeOptions(server=server, token_file=tmp_path, spool=tmp_path / "spool", **watched)
    with Upstream(server, lambda: "") as upstream, Work(options, Spooling(options.spool, 1 << 20, 1), upstream, Counters()) as work:
        work.measure("127.0.0.1", port)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield work, client


@pytest.fixture
def node(tmp_path):
    with working(tmp_path) as (_, client):
        yield client


def test_a_server_that_is_away_is_told_and_no_reason_to_start_the_node_again(node):
    until(lambda: "unmasq_server_reached 0.0" in node.get("/metrics").text, "the first try")
    assert node.get("/healthz").status_code == 200
    assert "unmasq_spool_batches 0.0" in node.get("/metrics").text


def test_a_spool_that_takes_nothing_makes_the_node_unwell_until_there_is_room(tmp_path, capsys, monkeypatch):
    with working(tmp_path) as (work, client):
        monkeypatch.setattr(CoveredLines, "add", full)
        (tmp_path / "log").write_text("nonsense\n")
        thread = threading.Thread(target=work.turns.run, args=(work.turn,))
        thread.start()
        try:
            until(lambda: client.get("/healthz").status_code == 503, "the node to say so")
            assert client.get("/healthz").text == (
                f"broken: nothing is read, since the spool {tmp_path}/spool/spool.sqlite cannot be written: database or disk is full; "
                "unmasq doctor says more\n"
            )
            monkeypatch.undo()
            until(lambda: client.get("/healthz").status_code == 200, "the node to be well again")
        finally:
            work.turns.stop.set()
            thread.join()
    assert capsys.readouterr().err.count("there is room again") == 1


@pytest.mark.needs("lab")
def test_who_starts_a_node_that_can_see_nothing_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(switches, "state", lambda _: switches.Switches(True, True, False, True))
    (tmp_path / "pods" / "shop_web_1" / "main").mkdir(parents=True)
    with working(tmp_path, pods=["nothere/*"], pod_logs=tmp_path / "pods", kernel=True):
        said = capsys.readouterr().err
    assert said.count("no pod here matches nothere/*/*; 1 other pod has logs: is it on this node") == 1
    assert said.count("off in this namespace: nf_conntrack_events: unmasq doctor --set-switches\n") == 1


def full(*_):
    raise sqlite3.OperationalError("database or disk is full")


def failing(*_):
    raise OSError("the disk gave other bytes")


def test_a_sender_that_fails_is_told_and_the_node_is_not_well(node, monkeypatch):
    monkeypatch.setattr(Spool, "take", failing)
    until(lambda: node.get("/healthz").status_code == 503, "the node to say so")
    told = node.get("/metrics").text
    assert "unmasq_server_reached 0.0" in told
    assert 'unmasq_ship_failed_total{reason="mistake"}' in told
    monkeypatch.undo()
    until(lambda: node.get("/healthz").status_code == 200, "the node to be well again")
