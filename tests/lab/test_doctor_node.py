"""`unmasq doctor` on a node that watches a kernel: each link broken once and named, and what the ways of requests tell."""

import contextlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.crash.shipping import Pair
from tests.story.chain import asked

from . import topology as at
from .cluster import Lab
from .deadline import until

pytestmark = pytest.mark.needs("lab")


@pytest.fixture
def switched(lab: Lab) -> Lab:
    lab.network.switches(on=True)
    return lab


def checked(*words: str) -> tuple[str | None, dict[str, dict[str, str]]]:
    """The first broken link, and all by their names."""
    answer = asked("doctor", "-o", "json", *words)
    assert answer.stdout, answer.stderr
    found = json.loads(answer.stdout)["checks"]
    return next((check["link"] for check in found if check["state"] == "broken"), None), {check["link"]: check for check in found}


def node(lab: Lab, folder: Path, *watching: str, log: str = "seed", serve: Sequence[str] = ()) -> Pair:
    """A node that reads one of the lab's logs, with its server."""
    watching = watching or ("--namespace", str(lab.network.namespace_path("node")))
    return Pair(folder, reads=("--input", str(lab.nginx.log(log)), *watching), serve=serve)


def sockets(lab: Lab, host: str) -> tuple[str, ...]:
    """What has a node watch the sockets of a host, and no conntrack."""
    return ("--no-kernel", "--sockets", str(lab.network.namespace_path(host)))


def counted(pair: Pair, name: str, least: int) -> None:
    """Wait until the node has counted so many."""

    def has() -> bool:
        answer = asked("doctor", "--spool", str(pair.spool), "-o", "json")
        counters: dict[str, int] = json.loads(answer.stdout)["counters"]
        return sum(count for key, count in counters.items() if key.split("{")[0] == name) >= least

    until(has, name, 30)


def alone(pair: Pair) -> None:
    """Start the node without its server, which comes later in the order of the links."""
    pair.node.start()
    until(lambda: "reading" in pair.node.said() and (pair.spool / "api.sock").exists(), "the node to answer", 30)


def test_no_marker(switched: Lab, tmp_path: Path) -> None:
    with node(switched, tmp_path, log="plain") as pair:
        alone(pair)
        switched.request("c1", at.INGRESS, path="/local")
        counted(pair, "lines_read", 1)
        broken, checks = checked("--spool", str(pair.spool))
    assert (broken, checks["log"]["state"]) == ("marker", "ok")
    assert checks["marker"]["seen"] == "1 of 1 lines came without our marker: no connection can be found for them"


def test_switches_are_off(lab: Lab, tmp_path: Path) -> None:
    with node(lab, tmp_path) as pair:
        alone(pair)
        lab.request("c1", at.INGRESS, path="/local")
        counted(pair, "lines_read", 1)
        broken, checks = checked("--spool", str(pair.spool))
    there = lab.network.namespace_path("node")
    assert (broken, checks["kernel"]["next"]) == ("kernel", f"unmasq doctor --set-switches --namespace {there}")


def test_the_wrong_kernel_is_watched(switched: Lab, tmp_path: Path) -> None:
    with node(switched, tmp_path, *sockets(switched, "c2")) as pair:
        pair.begin()
        switched.request("c1", at.INGRESS, path="/local")
        counted(pair, "requests_joined", 1)
        broken, checks = checked("--spool", str(pair.spool))
    assert (broken, checks["sockets"]["state"]) == ("joined", "ok")
    assert checks["joined"]["seen"].startswith("none of ")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    (tmp_path / "small").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path / "small")], check=True)
    yield tmp_path / "small"
    subprocess.run(["umount", str(tmp_path / "small")], check=True)


def test_the_spool_cannot_be_written(switched: Lab, small: Path) -> None:
    (small / "spool").mkdir()
    (small.parent / "spool").symlink_to(small / "spool")
    with node(switched, small.parent) as pair:
        pair.begin()
        with contextlib.suppress(OSError):
            (small / "full").write_bytes(b"x" * (4 << 20))
        until(lambda: full(switched, pair), "the spool to be full", 60)
        broken, checks = checked("--spool", str(pair.spool))
    assert (broken, "is full" in checks["spool"]["seen"]) == ("spool", True)


def full(lab: Lab, pair: Pair) -> bool:
    lab.request("c1", at.INGRESS, path="/local")
    return checked("--spool", str(pair.spool))[0] == "spool"


def test_what_the_ways_of_requests_tell(lab: Lab, tmp_path: Path) -> None:
    lab.network.nat("cluster")
    watching = (*sockets(lab, "ingress"), "--node-range", at.GATEWAY, "--listener", f"{at.INGRESS}:80")
    with node(lab, tmp_path, *watching, log="extended", serve=("--trust", at.C1)) as pair:
        pair.begin()
        for _ in range(11):
            lab.request("c1", at.NODE, 30080, "/local")
            lab.request("c1", at.INGRESS, path="/local")
        lab.request("c2", at.INGRESS, path="/local")
        counted(pair, "requests_joined", 23)
        broken, checks = checked("--spool", str(pair.spool))
        text = asked("doctor", "--spool", str(pair.spool)).stdout
    assert broken is None, checks
    assert checks["source"]["seen"] == "source preserved on 52 % of connections; on 48 % another node or balancer hides it"
    assert checks["trust"]["seen"] == "proxy 198.51.100.10 is trusted but sends no X-Forwarded-For on 100 % of its requests"
    assert "next: use externalTrafficPolicy Local, DSR or PROXY protocol" in text
