"""`unmasq collect` and our own node: every line exactly once, whoever is killed meanwhile."""

import json
import random
import subprocess
import sys
from collections import Counter
from functools import partial

import pytest

from tests.lab.deadline import until
from tests.repository.checkout import ROOT
from tests.story.peers import Collecting, Felix, Node, line, short_folder, write


@pytest.fixture
def folder():
    with short_folder() as folder:
        (folder / "log").touch()
        yield folder


def has_more(node, known):
    return len(node.lines()) > known


def test_lines_come_as_they_are_from_the_first_on(folder):
    odd = [line(0), b"\xff\x00 no marker\n", b"\n", line(1)]
    write(folder / "log", *odd)
    with Node(folder / "run") as node, Collecting(folder / "log", node.socket) as collecting:
        until(lambda: len(node.lines()) == 4, "the lines that were there")
        write(folder / "log", line(2), b"the beginning of a li")
        until(lambda: len(node.lines()) == 5, "a line that is written")
        assert node.chunks[-1].live
        assert node.chunks[0].path == str(folder / "log")
        assert collecting.ask("/readyz") == (200, "speaks lines\n")
        write(folder / "log", b"ne\n")
        collecting.end()
        assert node.lines() == [*odd, line(2), b"the beginning of a line\n"], "the last word of whoever is told to end"


def test_a_node_that_is_killed_gets_what_it_had_not_committed_again(folder):
    write(folder / "log", line(0))
    with Collecting(folder / "log", folder / "run/mount/pod-1/socket"):
        with Node(folder / "run") as first:
            until(lambda: len(first.lines()) == 1, "the first line")
            first.keep()
            write(folder / "log", line(1))
            until(lambda: len(first.lines()) == 2, "the second, which is not committed")
        write(folder / "log", line(2))
        with Node(folder / "run", first.kept) as second:
            until(lambda: len(second.lines()) >= 2, "the rest", 20)
    assert second.lines() == [line(1), line(2)]


# A node in a process of its own, which says when it has taken a line; it commits nothing.
NODE = """
import pathlib, sys
from tests.story.peers import Node
node = Node(pathlib.Path(sys.argv[1]))
while not node.lines():
    pass
print(flush=True)
while True:
    node.poll()
"""


def test_a_node_that_dies_leaves_its_socket_to_the_next(folder):
    write(folder / "log", line(0))
    with Collecting(folder / "log", folder / "run/mount/pod-1/socket") as collecting:
        node = subprocess.Popen([sys.executable, "-c", NODE, folder / "run"], cwd=ROOT, stdout=subprocess.PIPE)
        assert node.stdout
        assert node.stdout.readline() == b"\n"
        node.kill()
        node.communicate()
        assert (folder / "run/mount/pod-1/socket").is_socket()
        write(folder / "log", line(1))
        with Node(folder / "run") as second:
            until(lambda: len(second.lines()) == 2, "both lines", 20)
            assert collecting.process.poll() is None
    assert second.lines() == [line(0), line(1)]


def test_a_collector_that_is_killed_sends_nothing_twice_and_loses_nothing(folder):
    rng, log, count = random.Random(7), folder / "log", 0
    with Node(folder / "run") as node:
        for _ in range(8):
            with Collecting(log, node.socket) as collecting:
                write(log, *(line(count + n) for n in range(200)))
                until(partial(has_more, node, len(node.lines())), "some lines", 20)
                for _ in range(rng.randrange(40)):
                    count += 5
                    write(log, *(line(count + 195 + n) for n in range(5)))
                    node.poll()
                count += 200
                if rng.random() < 0.5:
                    node.keep()
                collecting.kill()
        with Collecting(log, node.socket):
            written = log.read_bytes().splitlines(keepends=True)
            until(lambda: len(node.lines()) >= len(written), "all lines", 20)
    assert Counter(node.lines()) == Counter(written)
    assert node.counters.of("policy_sync_streams_refused") == 0


def test_two_collectors_on_one_socket_are_told_at_both_ends_once(folder):
    with Node(folder / "run") as node:
        with Collecting(folder / "log", node.socket) as one, Collecting(folder / "log", node.socket, LOG_LEVEL="Trace") as other:
            until(lambda: node.counters.of("policy_sync_streams_displaced") >= 3, "each to displace the other", 40)
            said = (one.end(), other.end())
        assert node.said == [
            "two collectors displace each other on the socket of shop/web-1: stop one of them, or give each proxy's pod a volume of its own"
        ]
    for each in said:
        assert each.count("another collector speaks on") == each.count("warning: ") == 1


def test_a_collector_that_is_started_again_is_no_other(folder):
    with Node(folder / "run") as node:
        for turn in range(3):
            with Collecting(folder / "log", node.socket) as collecting:
                until(lambda: node.counters.of("policy_sync_streams") > turn, "its stream", 20)  # noqa: B023
                collecting.kill()
        assert node.said == []


def test_rotation_while_nobody_collects(folder):
    log = folder / "log"
    write(log, line(0))
    with Node(folder / "run") as node:
        with Collecting(log, node.socket):
            until(lambda: len(node.lines()) == 1, "the first line")
        write(log, line(1))
        log.rename(folder / "log.1")
        write(log, line(2))
        with Collecting(log, node.socket):
            until(lambda: len(node.lines()) == 3, "the rest", 20)
    assert sorted(node.lines()) == [line(0), line(1), line(2)]


def test_reports_only_become_lines_that_make_nobody_a_client(folder):
    with Node(folder / "run") as node, Collecting(folder / "log", node.socket, "--reports-only") as collecting:
        until(lambda: collecting.ask("/readyz")[0] == 200, "a connection", 20)
        write(folder / "log", line(0, "1.1.1.1", "2.2.2.2"), line(1, "1.1.1.1", "2.2.2.2"))
        until(lambda: len(node.lines()) == 2, "a report of two requests", 20)
    payload = json.loads(node.lines()[0].removeprefix(b"unmasq: "))
    assert payload == {
        "source_port": 40000, "destination_ip": "10.244.1.10", "destination_port": 80, "source_ip": "10.0.0.9", "protocol": "tcp",
        "x-real-ip": "2.2.2.2", "reported_by": "shop/web-1",
    }  # fmt: skip


def test_the_peer_may_change_to_felix_and_back(folder):
    socket = folder / "run/mount/pod-1/socket"
    with Node(folder / "run") as node:
        until(socket.exists, "a folder")
    with Collecting(folder / "log", socket) as collecting:
        collecting.reads()
        with Felix(socket) as felix:
            write(folder / "log", line(1, "192.0.2.1"))
            until(felix.named, "the report", 20)
        with Node(folder / "run") as node:
            until(lambda: node.lines() == [line(1, "192.0.2.1")], "the line", 20)
            assert collecting.ask("/readyz")[1] == "speaks lines\n"


def test_acknowledged_blocks_are_given_back_and_nothing_else(folder):
    log = folder / "log"
    write(log, *(line(n) for n in range(20_000)))
    before = log.stat()
    with Node(folder / "run") as node, Collecting(log, node.socket, "--give-back") as collecting:
        until(lambda: len(node.lines()) == 20_000, "all lines", 20)
        node.keep()
        until(lambda: collecting.metric("collector_given_back_bytes"), "blocks to be freed", 20)
        write(log, line(20_000))
        until(lambda: len(node.lines()) == 20_001, "one more line", 20)
        collecting.kill()
        write(log, line(20_001))
        with Collecting(log, node.socket):
            until(lambda: len(node.lines()) == 20_002, "a line after a restart", 20)
    assert log.stat().st_blocks < before.st_blocks / 2
    assert node.lines() == [line(n) for n in range(20_002)]
