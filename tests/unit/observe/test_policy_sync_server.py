"""Sockets as pods come and go, and what is answered on them: real sockets, real gRPC."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from functools import partial

import grpc
import pytest

from tests.lab.deadline import until
from tests.story.peers import POD, Felix, Node, short_folder
from tests.unit.observe import policy_sync_messages as messages
from unmasq.base.clock import SystemClock
from unmasq.base.errors import KernelError, StoreError
from unmasq.base.telemetry import Counters
from unmasq.keep.spool.reports import KeptReports
from unmasq.model.ingress import FileIdentity
from unmasq.model.proto.felix_pb2 import HTTPData
from unmasq.model.proto.lines_pb2 import Begun, File, Kept, Piece, Sent
from unmasq.observe.policy_sync import server
from unmasq.observe.policy_sync.server import PolicySync

FILE = File(device=1, inode=2, fingerprint="4-abc")


@pytest.fixture
def prefix():
    with short_folder() as folder:
        yield folder


def report(**others):
    return messages.report(("", "2.2.2.2", 1), **others)


def call_report(path, message, report_id=None):
    data = message if isinstance(message, bytes) else message.SerializeToString()
    named = (("unmasq-report", report_id),) if report_id else None
    with grpc.insecure_channel(f"unix:{path}") as channel:
        return messages.reporting(channel)(data, timeout=5, metadata=named).successful


def is_answered(path):
    with suppress(grpc.RpcError):
        return call_report(path, report())
    return False


def streamed(path, *sent):
    """What a node answers to all of this, up to the end of the stream."""
    data = [each if isinstance(each, bytes) else each.SerializeToString() for each in sent]
    with grpc.insecure_channel(f"unix:{path}") as channel:
        return list(messages.sending(channel)(iter(data), timeout=5))


def begun(file=FILE, offset=0):
    return Sent(begun=Begun(file=file, offset=offset))


def piece(start=0, data=b"a line\n", file=FILE, **others):
    return Sent(piece=Piece(file=file, path="/log", start=start, data=data, **others))


def test_a_socket_comes_and_goes_with_its_pod(prefix):
    with Node(prefix) as node:
        assert stat.S_IMODE(node.socket.stat().st_mode) == 0o777
        assert [each.reporter for each in node.sync.pods.values()] == ["shop/web-1"]
        assert call_report(node.socket, report())
        (prefix / "creds/pod-1.json").unlink()
        until(lambda: not node.has_socket(), "the socket to go")
        assert node.sync.pods == {}
        assert list((prefix / "mount").glob("*/*")) == []
    assert list(prefix.glob(".*")) == []


def test_another_pod_under_the_same_id_is_another_pod(prefix):
    with Node(prefix) as node:
        (prefix / "creds/pod-1.json").write_text(json.dumps({"Workload": "api-7", "Namespace": "shop"}))
        until(lambda: [each.reporter for each in node.poll().sync.pods.values()] == ["shop/api-7"], "the new name")
        assert call_report(node.socket, report())
        assert b'"reported_by": "shop/api-7"' in node.lines()[-1]


def test_a_stale_socket_is_replaced(prefix):
    (prefix / "mount/pod-1").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(prefix / "mount/pod-1/socket"))
    with Node(prefix) as node:
        assert call_report(node.socket, report())


def test_whoever_answers_keeps_his_socket(prefix):
    (prefix / "mount/pod-1").mkdir(parents=True)
    with Felix(prefix / "mount/pod-1/socket") as felix, Node(prefix) as node:
        assert node.sync.pods == {}
        assert node.counters.of("policy_sync_sockets_refused", "served") == 1
        assert call_report(node.socket, report())
        assert len(felix.reports) == 1
    assert not node.lines()


def test_a_second_process_of_ours_keeps_off_and_takes_over(prefix):
    with Node(prefix) as second_when_first_is_gone:
        pass
    with Node(prefix) as first:
        second = PolicySync(prefix, dict, first.reports, SystemClock(), counters := Counters())
        list(second.poll(0))
        assert (second.pods, counters.of("policy_sync_sockets_refused", "locked")) == ({}, 1)
        second.close()
        assert call_report(first.socket, report())
    assert second_when_first_is_gone.sync.pods == {}
    with Node(prefix) as third:
        assert call_report(third.socket, report())


def test_a_link_in_place_of_the_socket_is_not_followed(prefix):
    (prefix / "mount/pod-1").mkdir(parents=True)
    victim = prefix / "victim"
    victim.touch(mode=0o600)
    (prefix / "mount/pod-1/socket").symlink_to(victim)
    with Node(prefix) as node:
        assert stat.S_ISSOCK(node.socket.lstat().st_mode)
        assert call_report(node.socket, report())
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600


def test_a_link_in_place_of_the_folder_is_not_followed(prefix):
    (prefix / "mount").mkdir()
    (prefix / "elsewhere").mkdir()
    (prefix / "mount/pod-1").symlink_to(prefix / "elsewhere")
    with Node(prefix) as node:
        assert node.sync.pods == {}
    assert list((prefix / "elsewhere").iterdir()) == []


def test_a_socket_that_somebody_took_away_is_made_again(prefix):
    with Node(prefix) as node:
        node.socket.unlink()
        until(node.has_socket, "the socket")
        assert call_report(node.socket, report())


def test_a_prefix_that_cannot_be_had_is_said(prefix):
    (prefix / "file").touch()
    with pytest.raises(KernelError, match="no sockets below"):
        PolicySync(prefix / "file", dict, KeptReports(prefix, SystemClock()), SystemClock(), Counters())


def test_a_long_prefix_is_no_problem(prefix):
    deep = prefix / ("x" * 100)
    with Node(deep):
        with pytest.raises(OSError, match="too long"), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(deep / "mount/pod-1/socket"))
        folder = os.open(deep / "mount/pod-1", os.O_PATH)
        assert call_report(f"/proc/self/fd/{folder}/socket", report())
        os.close(folder)


def test_reports_that_cannot_be_believed_are_counted_and_not_sent_again(prefix):
    with Node(prefix) as node:
        assert call_report(node.socket, report(src_ip="not-an-ip"))
        with pytest.raises(grpc.RpcError, match="not a DataplaneStats"):
            call_report(node.socket, b"\xff\xff\xff")
        assert node.lines() == []
        rejected = {reason: n for name, reason, n in node.counters.rows() if name == "policy_sync_reports_rejected"}
        assert rejected == {"address": 1, "garbage": 1}


def test_a_flood_of_reports_is_put_off(prefix):
    with Node(prefix) as node:
        many = report(http_data=[HTTPData(x_real_ip="2.2.2.2", count=5000)])
        answers = [call_report(node.socket, many) for _ in range(6)]
        assert (answers[0], answers[-1]) == (True, False)
        assert node.counters.of("policy_sync_reports_put_off") == answers.count(False)
        assert len(node.lines()) == 5000 * answers.count(True)
        assert call_report(node.socket, many)


def test_a_report_that_was_answered_is_not_lost_with_the_node(prefix):
    with Node(prefix) as first:
        assert call_report(first.socket, report())
        [line] = first.lines()  # read, and never committed
        assert call_report(first.socket, report())  # not even read
    (prefix / "creds/pod-1.json").unlink()
    with Node(prefix) as second:
        assert second.lines() == [line, line]
        assert second.poll().lines() == [line, line], "each once"
        second.keep()
    with Node(prefix) as third:
        assert third.lines() == []


def test_reports_of_an_earlier_node_are_read_one_at_a_time(prefix):
    with Node(prefix) as first:
        assert call_report(first.socket, report())
        assert call_report(first.socket, report())
    with closing(KeptReports(prefix, SystemClock())) as reports:
        second = PolicySync(prefix, dict, reports, SystemClock(), Counters())
        starts = [next(iter(second.poll(0))).start for _ in range(2)]
        second.close()
    assert len(set(starts)) == 2


def test_a_report_that_was_committed_does_not_come_again(prefix):
    with Node(prefix) as first:
        assert call_report(first.socket, report())
        assert first.lines()
        first.kept[first.chunks[0].file] = [(0, len(first.chunks[0].data))]  # and it dies before that is told
    with Node(prefix, first.kept) as second:
        assert second.lines() == []


def test_a_report_whose_answer_was_lost_counts_once(prefix):
    with Node(prefix) as first:
        assert call_report(first.socket, report(), report_id="a" * 32)
        assert call_report(first.socket, report(), report_id="a" * 32)
        assert call_report(first.socket, report(), report_id="b" * 32)
        assert call_report(first.socket, report(), report_id="nonsense")
        assert call_report(first.socket, report(), report_id="nonsense")
        assert len(first.lines()) == 4
        first.keep()
    with Node(prefix) as second:
        assert call_report(second.socket, report(), report_id="a" * 32)
        assert (second.lines(), second.counters.of("policy_sync_reports_again")) == ([], 1)


def test_a_report_that_cannot_be_kept_is_not_taken(prefix, monkeypatch):
    def full(*_):
        raise StoreError("the disk is full")

    with Node(prefix) as node:
        monkeypatch.setattr(node.reports, "keep", full)
        assert not call_report(node.socket, report())
        assert (node.lines(), node.counters.of("policy_sync_reports_put_off", "disk")) == ([], 1)


def test_a_report_that_is_too_long_is_not_even_looked_at(prefix):
    with Node(prefix) as node:
        assert call_report(node.socket, report().SerializeToString() + b"\x32\x00" * (1 << 19))
        assert node.counters.of("policy_sync_reports_rejected", "too_long") == 1


def test_reading_that_breaks_off_leaves_the_rest(prefix):
    with Node(prefix) as node:
        streamed(node.socket, begun(), *(piece(start=7 * n) for n in range(5)))
        for _ in node.sync.poll(0):
            break  # as a spool that cannot be written does
        assert [chunk.start for chunk in node.poll().chunks] == [7, 14, 21, 28]


def test_what_is_known_of_a_pod_goes_with_it_once_it_is_committed(prefix):
    with Node(prefix) as node:
        streamed(node.socket, begun(), piece())
        assert node.lines()
        (prefix / "creds/pod-1.json").unlink()
        until(lambda: not node.has_socket(), "the socket to go")
        assert node.sync.begun
        node.keep()
        until(lambda: not node.poll().sync.begun, "what was known of it to be forgotten")
        (prefix / "creds/pod-1.json").write_text(json.dumps(POD))
        until(node.has_socket, "the socket")
        [have] = streamed(node.socket)
        assert [(r.start, r.end) for r in have.committed[0].runs] == [(0, 7)], "the store knows"


def test_only_who_was_given_the_folder_comes_to_the_socket(prefix):
    (prefix / "creds").mkdir(mode=0o755)  # as a driver may have made it
    with Node(prefix) as node:
        modes = [stat.S_IMODE((prefix / name).stat().st_mode) for name in ("creds", "mount", "mount/pod-1")]
        assert (modes, stat.S_IMODE(node.socket.stat().st_mode)) == ([0o700, 0o700, 0o755], 0o777)


# In a mount namespace of its own, as the kubelet mounts a pod's volume; then as somebody who has no right to anything.
POD_VIEW = """
import os, socket, subprocess, sys
prefix, target = sys.argv[1:]
subprocess.run(["mount", "--bind", f"{prefix}/mount/pod-1", target], check=True)
os.setgroups([]), os.setgid(65534), os.setuid(65534)
for folder in (f"{prefix}/mount/pod-1", target):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(f"{folder}/socket")
            print("reached")
        except OSError as error:
            print(error.strerror)
"""


@pytest.mark.needs("lab")
@pytest.mark.needs("users")
def test_a_bind_mount_into_a_pod_needs_no_right_to_the_parents(prefix):
    (target := prefix / "pod").mkdir()
    prefix.chmod(0o755)
    with Node(prefix):
        command = ["unshare", "--mount", sys.executable, "-c", POD_VIEW, prefix, target]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert answer.stdout.splitlines() == ["Permission denied", "reached"]


def test_lines_come_in_with_the_name_of_their_pod(prefix):
    with Node(prefix) as node:
        streamed(node.socket, begun(), piece())
        assert [chunk.pod for chunk in node.poll().chunks] == ["shop/web-1"]
        assert node.chunks[0].ends is None
        assert node.counters.of("policy_sync_pieces_unchecked") == 1


def test_lines_come_in_with_the_addresses_of_their_pod(prefix, monkeypatch):
    own = frozenset({(0, 7)})
    monkeypatch.setattr(server, "addresses_of", lambda uid, _: {"0c1": own}[uid])
    with Node(prefix) as node:
        streamed(node.socket, begun(), piece())
        assert [chunk.ends for chunk in node.poll().chunks] == [own]
        assert node.counters.of("policy_sync_pieces_unchecked") == 0


def test_reports_come_in_with_the_addresses_of_their_pod(prefix, monkeypatch):
    own = frozenset({(0, 7)})
    monkeypatch.setattr(server, "addresses_of", lambda uid, _: {"0c1": own}[uid])
    with Node(prefix) as node:
        assert call_report(node.socket, report())
        assert [(chunk.ends, chunk.pod) for chunk in node.poll().chunks] == [(own, "shop/web-1")]


def test_reports_of_a_pod_whose_addresses_cannot_be_seen_name_no_pod_as_their_proxy(prefix):
    with Node(prefix) as node:
        assert call_report(node.socket, report())
        assert [(chunk.ends, chunk.pod) for chunk in node.poll().chunks] == [(None, "")]


def test_lines_come_in_with_the_pod_in_their_identity(prefix):
    with Node(prefix) as node:
        first, *_ = streamed(node.socket, begun(), piece(skipped=3), piece(start=10, live=True))
        assert first == Kept()
        assert node.lines() == [b"a line\n"] * 2
        assert node.chunks[0].file == FileIdentity(1, 2, "pod-1/4-abc")
        assert (node.chunks[0].skipped, node.chunks[1].live) == (3, True)
        assert node.sync.begun == {FileIdentity(1, 2, "pod-1/4-abc"): 0}


def test_what_is_held_and_what_is_committed_is_said_first(prefix):
    with Node(prefix) as node:
        streamed(node.socket, begun(offset=5), piece(start=5))
        [held] = streamed(node.socket)
        assert [(r.start, r.end) for r in held.held[0].runs] == [(0, 12)]
        assert not held.committed
        node.poll().keep()
        [kept] = streamed(node.socket)
        assert [(r.start, r.end) for r in kept.committed[0].runs] == [(0, 12)]
    with Node(prefix, node.kept) as again:
        assert streamed(again.socket) == [kept]


def test_a_commit_is_told_while_the_stream_lives(prefix):
    done = threading.Event()

    def sent():
        yield begun().SerializeToString()
        yield piece().SerializeToString()
        done.wait(10)

    with Node(prefix) as node, grpc.insecure_channel(f"unix:{node.socket}") as channel, ThreadPoolExecutor() as pool:
        call = messages.sending(channel)(sent())
        assert next(call) == Kept()
        until(node.lines, "the line")
        news = pool.submit(next, call)
        node.keep()
        [runs] = news.result(5).committed
        assert (runs.file, [(r.start, r.end) for r in runs.runs]) == (FILE, [(0, 7)])
        done.set()


def polled(node, stream):
    """Whether the stream is over; somebody must read meanwhile."""
    node.poll()
    return stream.done()


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ([b"\xff\xff"], "garbage"),
        ([piece()], "not_begun"),
        ([begun(), piece(), piece(start=3)], "overlap"),
        ([begun(offset=9), piece(start=3)], "overlap"),
        ([begun(), piece(start=-1)], "offset"),
        ([begun(), piece(start=1 << 62)], "offset"),
        ([begun(), piece(skipped=-1)], "offset"),
        ([begun(offset=-1)], "offset"),
        ([begun(), begun(offset=7)], "begun"),
        ([begun(), piece(data=b"")], "piece"),
        ([begun(), Sent(piece=Piece(file=FILE, path="x" * 5000, data=b"x"))], "piece"),
        ([begun(File(fingerprint="../../etc"))], "fingerprint"),
        ([begun(File())], "fingerprint"),
        ([begun(File(inode=n, fingerprint="4-abc")) for n in range(1001)], "too_many_files"),
        ([begun(), *(piece(start=20 * n) for n in range(1, 1002))], "scattered"),
    ],
)
def test_what_a_collector_cannot_say_ends_its_stream(prefix, sent, reason):
    with Node(prefix) as node, ThreadPoolExecutor() as pool:
        stream = pool.submit(streamed, node.socket, *sent)
        until(lambda: polled(node, stream), "the end of the stream")
        with pytest.raises(grpc.RpcError, match=reason):
            stream.result()
        assert node.counters.of("policy_sync_streams_refused", reason) == 1
        assert streamed(node.socket)


def test_unknown_messages_are_counted(prefix):
    with Node(prefix) as node:
        assert streamed(node.socket, Sent(), b"\x9a\x06\x01a")
        assert node.counters.of("policy_sync_unknown", "message") == 2


def test_who_floods_waits_until_somebody_reads(prefix):
    size = 1 << 20
    sent = [begun(), *(piece(start=size * n, data=b"x" * (size - 1) + b"\n") for n in range(8))]
    with Node(prefix) as node, ThreadPoolExecutor() as pool:
        stream = pool.submit(streamed, node.socket, *sent)
        until(lambda: node.counters.of("policy_sync_pieces") == 2, "as much as may wait")
        assert not stream.done()
        until(lambda: len(node.lines()) == 8, "the rest")
        assert stream.result(5)


def test_connections_are_bounded(prefix):
    with Node(prefix) as node, ExitStack() as stack:
        probes = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(40)]
        for probe in probes:
            probe.settimeout(5)
            probe.connect(str(node.socket))
        hung_up = [probe for probe in probes[8:] if probe.recv(1) == b""]
        assert len(hung_up) == 32
        for probe in probes:
            probe.close()
        until(partial(is_answered, node.socket), "an answer to others, once it is seen that these are gone")


def test_a_new_stream_ends_the_old_one(prefix):
    with Node(prefix) as node, grpc.insecure_channel(f"unix:{node.socket}") as channel:
        held = threading.Event()
        old = messages.sending(channel)(iter(lambda: held.wait(5) and None, None), timeout=5)
        next(old)
        streamed(node.socket)
        with pytest.raises(grpc.RpcError, match="superseded"):
            list(old)
        held.set()
