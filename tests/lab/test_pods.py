"""The sockets of pods on a real kernel: their namespaces found by real processes, and watched where conntrack does not suffice.

What no kubelet has made here is made up: the log in its frames, and the control groups in a folder that stands for /proc.
"""

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest

from tests.unit.observe.procfs import uid_of
from tests.unit.read.kubelet import Container
from unmasq.base.clock import SystemClock
from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.model.flowbatch import FlowBatch, Join
from unmasq.node import bypass
from unmasq.node.live import LiveNode
from unmasq.node.watch import Keeper, Watch
from unmasq.observe import dataplane, families, switches
from unmasq.observe.listeners import Listeners, listener
from unmasq.read.podnames import Choice
from unmasq.unwind.trust import TrustList

from . import topology as at
from .client import Connection
from .cluster import Lab
from .deadline import until
from .running import QUICK, Running
from .test_sockets import bypassed, exchanged, said_of

__all__ = ["bypassed"]
pytestmark = pytest.mark.needs("lab")
POD = "ingress/nginx-7d"
SHORT = WindowSettings(interval_us=200_000, linger_us=200_000, wait_us=3_000_000)
RULE_FOR_IPV4 = """\
table ip lab_only4 { }
delete table ip lab_only4
table ip lab_only4 {
    chain forwarded { type filter hook forward priority filter; policy accept; ct state new counter; }
}
"""


class Pod:
    """The ingress as a pod: its real processes in a folder that stands for /proc, and its log as the kubelet keeps it."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.proc, self.logs = lab, folder / "proc", folder / "pods"
        self.proc.mkdir()
        self._container = Container(self.logs, POD, uid=uid_of(POD))
        self._new, self._told = lab.nginx.new_lines("extended"), 0

    def come(self, pid: int, group: str = "kubepods-burstable-pod{}.slice/cri-containerd-0a.scope") -> None:
        """A process of the pod is there."""
        process, real = self.proc / str(pid), Path(f"/proc/{pid}")
        process.mkdir()
        (process / "cgroup").write_text(f"0::/kubepods.slice/{group.format(uid_of(POD).replace('-', '_'))}\n")
        for name in ("ns", "stat"):
            (process / name).symlink_to(real / name)

    def go(self, pid: int) -> None:
        for name in ("ns", "stat", "cgroup"):
            (self.proc / str(pid) / name).unlink()
        (self.proc / str(pid)).rmdir()

    def ask(self) -> int:
        """One request on a connection of its own, and its line; the client's port."""
        with self.lab.connect("c1", at.INGRESS, 80) as connection:
            exchanged(connection)
            port: int = connection.local_port
        self.tell()
        return port

    def tell(self) -> None:
        """The runtime takes over what nginx has written."""
        self.lab.nginx.settle()
        lines = self._new.now()
        self._container.write(*lines[self._told :])
        self._told = len(lines)


class Node:
    """A node that reads the pod's log, turned by a thread while it is entered."""

    def __init__(self, pod: Pod, watched: str, **watch: Any) -> None:
        self.counters, self.kept = Counters(), list[FlowBatch]()
        known: dict[str, Any] = {
            "pods": [Choice.parse("ingress/*")],
            "pod_logs": str(pod.logs),
            "proc": str(pod.proc),
            "namespace": watched,
            "window": SHORT,
        }
        keeper = Keeper(self.kept.append, self.kept.append, TrustList, nullcontext())
        self.live = LiveNode(Watch("lab-node", [], **known | watch), keeper, {}, SystemClock(), self.counters)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
        self.live.__exit__(None, None, None)

    def joined(self, port: int) -> set[str]:
        """How the requests of a client's port were joined, once they are kept."""
        flows = [batch.flows.take((batch.flows.source_port == port) & (batch.flows.requests > 0)) for batch in list(self.kept)]
        return {Join(join).name for each in flows for join in each.join.tolist()}

    @property
    def spaces(self) -> list[str]:
        """The namespaces whose sockets are watched."""
        return [place.space or "" for place in self.live.sight.witnesses.places if place.feed.name == "sockets"]

    def _run(self) -> None:
        while not self._stop.is_set():
            self.live.turn()


@pytest.fixture
def pod(bypassed: Lab, tmp_path: Path) -> Pod:
    return Pod(bypassed, tmp_path)


@pytest.fixture
def beside(bypassed: Lab) -> Iterator[str]:
    """A namespace that tracks, but which the connections do not pass: so a bypassed conntrack looks."""
    space = bypassed.network.namespace("backend")
    switches.turn_on(space)
    bypassed.request("c1", at.BACKEND, 8080)
    yield space
    bypassed.network.run("backend", ["nft", "delete", "table", "inet", "unmasq"])


def test_a_pod_is_found_by_its_processes_and_again_when_it_comes_back(pod: Pod, beside: str) -> None:
    master = pod.lab.nginx.pid
    assert master
    # What a socket was nobody tells once it has closed: of the very first connection only who knows the listener knows.
    with Node(pod, beside, pod_sockets=True, listeners=[listener(f"{at.INGRESS}:80")]) as node:
        until(lambda: node.live.sight.pods_missing == {POD: "no process of it is to be seen"}, "the pod to be missed")
        for times in (1, 2):
            pod.come(master)
            until(lambda: node.spaces, "the pod to be found", 20)
            assert Path(node.spaces[0]).stat().st_ino == pod.lab.network.namespace_path("ingress").stat().st_ino
            port = pod.ask()
            assert until(partial(node.joined, port), "the request to be kept", 20) == {"EXACT"}
            pod.go(master)
            until(lambda: not node.spaces, "the pod to be let go", 20)
            assert node.counters.of("pod_spaces_vanished") == node.counters.of("pod_spaces_found") == times
        assert not node.live.sight.witnesses.troubles


def test_a_person_who_asks_for_it_is_told_of_pods_that_are_not_there(lab: Lab, tmp_path: Path) -> None:
    lab.network.switches(on=True)
    logs = Pod(lab, tmp_path).logs
    reads = ("--pods", "ingress/*", "--pod-logs", str(logs), "--sockets", "pods")
    with Running(lab, tmp_path / "store", lab.nginx.log("extended"), *reads, *QUICK) as running:
        found = until(lambda: said_of(running, "pods", POD), "the doctor to tell", 20)
        said = running.said()
    assert "watching conntrack in namespace" in said
    assert "and the sockets of these pods" in said
    assert (found["state"], "hostPID" in found["next"]) == ("warn", True)


def test_a_bypassed_conntrack_is_found_and_the_pods_are_watched_by_themselves(
    pod: Pod, beside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bypass, "PATIENCE_US", 1_000_000)
    monkeypatch.setattr(bypass, "_SOON_US", 500_000)
    assert pod.lab.nginx.pid
    pod.come(pod.lab.nginx.pid)
    with Node(pod, beside) as node, pod.lab.connect("c1", at.INGRESS, 80) as open_:
        exchanged(open_)
        pod.tell()
        until(lambda: node.spaces, "conntrack to be found bypassed", 30)
        assert node.live.sight.pod_sockets == "bypassed"
        port = pod.ask()
        assert until(lambda: node.joined(port), "the request to be kept", 20) == {"EXACT"}


def test_of_a_socket_that_is_open_conntrack_shows_whether_it_is_bypassed(lab: Lab) -> None:
    counters, clock, node = Counters(), SystemClock(), lab.network.namespace("node")
    listeners = Listeners(counters, [listener(f"{at.INGRESS}:80")])
    lab.network.switches(on=True)
    with lab.connect("c1", at.INGRESS, 80) as connection:
        exchanged(connection)
        assert dataplane.shown_of_sockets(node, listeners, clock, families.BOTH) == (1, 1)
        lab.network.forget()
        assert dataplane.shown_of_sockets(node, listeners, clock, families.BOTH) == (0, 1)
        assert dataplane.shown_of_sockets(node, listeners, clock, {"IPv6"}) == (0, 0)
        assert dataplane.shown_of_sockets(lab.network.namespace("ingress"), listeners, clock, families.BOTH) == (0, 0), "the host's own"


def test_where_conntrack_shows_the_connections_pods_are_not_watched(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bypass, "PATIENCE_US", 0)
    monkeypatch.setattr(bypass, "_SOON_US", 100_000)
    lab.network.switches(on=True)
    pod = Pod(lab, tmp_path)
    assert lab.nginx.pid
    pod.come(lab.nginx.pid)
    with Node(pod, lab.network.namespace("node")) as node:
        ports = [pod.ask() for _ in range(3)]
        assert until(lambda: all(map(node.joined, ports)), "the requests to be kept", 20)
        assert {each for port in ports for each in node.joined(port)} == {"EXACT"}
        assert (node.spaces, node.live.sight.pod_sockets) == ([], None)


@pytest.fixture
def only_v4(bypassed: Lab) -> Iterator[Lab]:
    """A node whose only rule that looks at connections is of IPv4."""
    bypassed.network.switches(on=True)
    bypassed.network.run("node", ["nft", "delete", "table", "inet", "lab_ct"])
    bypassed.network.run("node", ["nft", "-f", "-"], given=RULE_FOR_IPV4)
    bypassed.network.forget()
    yield bypassed
    bypassed.network.run("node", ["nft", "delete", "table", "ip", "lab_only4"])
    bypassed.network.run("node", ["nft", "-f", "-"], given="table inet unmasq { }\ndelete table inet unmasq\n")
    bypassed.network.reset(anyway=True)


def asked(lab: Lab, *addresses: str) -> None:
    for address in addresses:
        with Connection(lab.network.namespace_path("c1"), address, 80) as connection:
            exchanged(connection)


def test_a_rule_of_ipv4_alone_is_named_and_the_switches_mend_it(only_v4: Lab, tmp_path: Path) -> None:
    node = only_v4.network.namespace("node")
    with Running(only_v4, tmp_path / "store", only_v4.nginx.log("extended"), *QUICK) as running:
        asked(only_v4, at.INGRESS, at.INGRESS_V6)
        found = until(lambda: said_of(running, "kernel", "IPv6"), "the doctor to tell", 30)
        assert families.tracked(node) == {"IPv4"}
        assert found["seen"].startswith("1 request over IPv6 came without their connections, and conntrack tracks none of IPv6")
        assert found["next"].startswith("unmasq doctor --set-switches")
    assert not switches.is_rule_set(node)
    switches.turn_on(node)
    assert switches.is_rule_set(node)
    asked(only_v4, at.INGRESS_V6)
    assert families.tracked(node) == families.BOTH
