"""A node and `unmasq run` whose only source are collectors, as programs."""

import json
import stat
import subprocess
import sys
from contextlib import contextmanager
from uuid import uuid4

import pytest

from tests.crash.shipping import Program
from tests.lab.deadline import until
from tests.story.chain import Chain, asked, flows_of
from tests.story.peers import POD, Collecting, line, short_folder, write
from tests.story.podprocess import ADDRESS, pod_process


@pytest.fixture
def folder():
    with short_folder() as folder:
        (folder / "log").touch()
        yield folder


def test_a_report_to_a_node_that_is_told_to_stop_is_kept(folder):
    with Chain(folder) as chain:
        chain.begin()
        with chain.collecting("--reports-only") as collecting:
            until(lambda: collecting.ask("/readyz")[0] == 200, "a connection", 30)
            write(chain.log, *(line(n, "192.0.2.7") for n in range(5)))
            until(lambda: collecting.metric("reports_sent"), "the report", 20)
            chain.node.finish()
            chain.server.finish()
        [flow] = chain.flows("--original-source", "192.0.2.7")
    assert (flow["unmasq"]["requests"], flow["unmasq"]["clients"]) == (5, [])


def test_reports_that_a_node_had_answered_survive_its_end(folder):
    with Chain(folder) as chain:
        chain.begin()
        with chain.collecting("--reports-only") as collecting:
            until(lambda: collecting.ask("/readyz")[0] == 200, "a connection", 30)
            write(chain.log, *(line(n, f"192.0.2.{n % 7}", port=41000 + n) for n in range(50)))
            until(lambda: collecting.metric("reports_sent") == 50, "the reports", 20)
            chain.node.kill()  # within the interval of their flows
        chain.node.start()
        until(chain.arrived, "flows to arrive", 60)
        chain.emptied()
        flows = [flow for n in range(7) for flow in chain.flows("--original-source", f"192.0.2.{n}", "--limit", "100")]
    assert sum(flow["unmasq"]["requests"] for flow in flows) == 50
    assert [flow["unmasq"]["clients"] for flow in flows if flow["unmasq"]["clients"]] == []


def test_run_keeps_every_line_once_over_a_kill(folder):
    (folder / "run/creds").mkdir(parents=True)
    (folder / "run/creds/pod-1.json").write_text(json.dumps(POD))
    quick = ("--no-kernel", "--interval-seconds", "0.2", "--linger-seconds", "0.2", "--flush-seconds", "0.2")
    run = Program(folder / "said", "run", "--policy-sync", str(folder / "run"), "--store", str(folder / "store"), *quick).start()
    with Collecting(folder / "log", folder / "run/mount/pod-1/socket") as collecting:
        try:
            write(folder / "log", *(line(n) for n in range(50)))
            until(lambda: any((folder / "store").glob("flows-*")), "the first lines to be stored", 30)
            write(folder / "log", *(line(50 + n) for n in range(50)))
            run.kill()
            run.start()
            until(lambda: collecting.ask("/readyz")[1] == "speaks lines\n", "the collector to be back", 30)
            write(folder / "log", *(line(100 + n) for n in range(50)))
            until(lambda: requests(folder) == 150, "all lines", 30)
            run.finish()
        finally:
            run.kill()
    assert requests(folder) == 150
    assert f"reading collectors below {folder / 'run'}; without the kernel" in run.said()


def test_credentials_that_are_not_understood_are_said_once(folder):
    """Where they stand alone, and beside others."""
    credentials(folder, "bad", '{"Uid": "1"')
    why = f"{folder}/run/creds: bad.json is not understood: it is no JSON"
    with node(folder) as run:
        until(lambda: why in run.said(), "the reason", 30)
        found = asked("doctor", "--store", str(folder / "store")).stdout
        assert "BROKEN  credentials" in found
        assert f"in {folder}/run/creds: bad.json is not understood: it is no JSON" in found
        credentials(folder, "pod-1", POD)
        until((folder / "run/mount/pod-1/socket").exists, "the socket of the good one")
        found = asked("doctor", "--store", str(folder / "store")).stdout
        assert "look    credentials" in found
        run.finish()
    assert run.said().count("bad.json") == 1


NOBODY = """
import os, socket, sys
os.chdir(sys.argv[1])  # as a container finds itself behind a bind mount: the folders above are not on its way
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
socket.socket(socket.AF_UNIX).connect("socket")
"""


@pytest.mark.needs("lab")
@pytest.mark.needs("users")
def test_a_pod_that_is_not_root_comes_to_its_socket(folder):
    """The program closes what it makes to others; the folder and the socket of a pod it must not."""
    mount = folder / "run/mount/pod-1"
    mount.mkdir(parents=True, mode=0o700)  # as an earlier version left it
    for name in ("pod-1", "pod-2"):
        credentials(folder, name, POD)
    with node(folder):
        for each in (mount, mount.with_name("pod-2")):
            until((each / "socket").exists, "a socket", 30)
            subprocess.run([sys.executable, "-c", NOBODY, each], check=True)
        assert stat.S_IMODE(mount.parent.stat().st_mode) == 0o700


@pytest.mark.needs("lab")
def test_a_pod_speaks_for_its_own_proxy_and_for_no_other(folder):
    (folder / "run/creds").mkdir(parents=True)
    (folder / "run/creds/pod-1.json").write_text(json.dumps(POD | {"UID": (uid := str(uuid4()))}))
    own, other = line(0).replace(b"10.244.1.10", ADDRESS.encode()), line(1)
    quick = ("--no-kernel", "--interval-seconds", "0.2", "--linger-seconds", "0.2", "--flush-seconds", "0.2", "--trust", "10.0.0.0/8")
    run = Program(folder / "said", "run", "--policy-sync", str(folder / "run"), "--store", str(folder / "store"), *quick).start()
    with pod_process(uid), Collecting(folder / "log", folder / "run/mount/pod-1/socket"):
        try:
            write(folder / "log", own, other)
            until((folder / "store/api.sock").exists, "the store", 30)
            until(lambda: requests(folder) == 2, "both lines", 30)
            run.finish()
        finally:
            run.kill()
    found = {flow["dest_ip"]: flow for flow in flows_of(folder / "store")}
    assert [each["ip"] for each in found[ADDRESS]["unmasq"]["clients"]] == ["1.1.1.1"]
    assert (found[ADDRESS]["dest_namespace"], found[ADDRESS]["dest_name"]) == ("shop", "web-1")
    claimed = found["10.244.1.10"]
    assert (claimed["unmasq"]["clients"], claimed["original_source_ips"]) == ([], ["1.1.1.1"])
    assert claimed["unmasq"]["chains"][0]["headers"]["reported_by"] == ["shop/web-1"]
    assert claimed["dest_name"] != "web-1"


QUICK = ("--no-kernel", "--interval-seconds", "0.2", "--linger-seconds", "0.2", "--flush-seconds", "0.2")


def credentials(folder, name, told):
    """The credentials of a pod as its volume's driver writes them, or what somebody else wrote there."""
    (folder / "run/creds").mkdir(parents=True, exist_ok=True)
    (folder / f"run/creds/{name}.json").write_text(told if isinstance(told, str) else json.dumps(told))


@contextmanager
def node(folder):
    """`unmasq run` whose only source are collectors."""
    run = Program(folder / "said", "run", "--policy-sync", str(folder / "run"), "--store", str(folder / "store"), *QUICK).start()
    try:
        yield run
    finally:
        run.kill()


def requests(folder):
    """Of all flows that are stored or still open."""
    return sum(flow["unmasq"]["requests"] for flow in flows_of(folder / "store"))


def test_a_folder_that_is_none_is_said(folder, monkeypatch):
    monkeypatch.setenv("UNMASQ_POLICY_SYNC", "")
    answer = asked("run", "--store", str(folder / "store"), "--no-kernel")
    assert (answer.returncode, "no folder for sockets: '.'" in answer.stderr) == (2, True)


def test_a_node_with_a_name_that_no_server_takes_is_said(folder):
    answer = asked("run", "--store", str(folder / "store"), "--policy-sync", str(folder), "--node", "n" * 254)
    assert (answer.returncode, "the node's name is too long" in answer.stderr) == (2, True)


def test_nothing_to_read_is_said(folder):
    answer = asked("run", "--store", str(folder / "store"))
    assert (answer.returncode, "--policy-sync" in answer.stderr) == (2, True)
