"""`unmasq doctor --test` from a client's machine: as sent, rewritten, and each link named when it is the broken one."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import topology as at
from .cluster import Lab
from .running import QUICK, Running

pytestmark = pytest.mark.needs("lab")
DIRECT = f"http://{at.INGRESS}/local"


@pytest.fixture
def switched(lab: Lab) -> Lab:
    lab.network.switches(on=True)
    return lab


def test(running: Running, url: str, *more: str) -> tuple[int, list[dict[str, object]]]:
    """Exit code and outcomes."""
    answer = running.asked("doctor", "--test", url, "-o", "json", *more, host="c1")
    assert answer.stdout, answer.stderr
    return answer.returncode, json.loads(answer.stdout)


test.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("log", ["seed", "extended", "upstreaminfo"])
@pytest.mark.parametrize("address", [f"http://{at.INGRESS}/", f"http://[{at.INGRESS_V6}]/"])
def test_headers_arrive_as_they_were_sent(switched: Lab, tmp_path: Path, log: str, address: str) -> None:
    with Running(switched, tmp_path / "store", switched.nginx.log(log)) as running:
        code, (both, alone) = test(running, address)
    assert code == 0
    assert (both["result"], both["original_source_ips"], both["join"]) == ("as sent", ["2.2.2.2"], "exact")
    assert (alone["result"], alone["original_source_ips"], alone["join"]) == ("as sent", ["1.1.1.1"], "exact")
    assert both["client"] == alone["client"] == (at.C1_V6 if "[" in address else at.C1)
    assert both["evidence"] == "observed"


def test_a_proxy_on_the_way_rewrites_them_and_that_is_good(switched: Lab, tmp_path: Path) -> None:
    with Running(switched, tmp_path / "store", switched.nginx.log("extended"), "--trust", at.EDGE) as running:
        code, (both, alone) = test(running, f"http://{at.EDGE}/local")
    assert code == 0
    assert both["result"] == alone["result"] == "rewritten by a proxy on the way"
    assert both["arrived"]["x-forwarded-for"] == ["1.1.1.1", at.C1]  # type: ignore[index]
    assert both["client"] == at.C1


def test_through_a_masquerade_the_connection_is_the_clients_own(switched: Lab, tmp_path: Path) -> None:
    switched.network.nat("cluster")
    with Running(switched, tmp_path / "store", switched.nginx.log("seed")) as running:
        _, (both, _) = test(running, f"http://{at.NODE}:30080/local")
    assert (both["result"], both["join"], both["client"]) == ("as sent", "nat", at.C1)


def test_no_log(switched: Lab, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.log").touch()
    with Running(switched, tmp_path / "store", tmp_path / "elsewhere.log") as running:
        code, (outcome,) = test(running, DIRECT, "--timeout-seconds", "1")
    assert code == 1
    assert (outcome["result"], outcome["link"]) == ("broken", "log")


def test_no_marker(switched: Lab, tmp_path: Path) -> None:
    with Running(switched, tmp_path / "store", switched.nginx.log("plain")) as running:
        code, (outcome,) = test(running, DIRECT, "--timeout-seconds", "1")
    assert code == 1
    assert (outcome["result"], outcome["link"]) == ("broken", "marker")


def test_not_joined(switched: Lab, tmp_path: Path) -> None:
    with Running(switched, tmp_path / "store", switched.nginx.log("seed"), host="c2") as running:
        code, (outcome,) = test(running, DIRECT, "--timeout-seconds", "1")
    assert code == 1
    assert (outcome["result"], outcome["link"]) == ("broken", "joined")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    (tmp_path / "small").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path / "small")], check=True)
    yield tmp_path / "small"
    subprocess.run(["umount", str(tmp_path / "small")], check=True)


def test_not_stored(switched: Lab, small: Path) -> None:
    with Running(switched, small / "store", switched.nginx.log("seed"), *QUICK) as running:
        with contextlib.suppress(OSError):
            (small / "full").write_bytes(b"x" * (4 << 20))
        code, outcomes = test(running, DIRECT, "--timeout-seconds", "5")
        for _ in range(3):
            if code:
                break
            code, outcomes = test(running, DIRECT, "--timeout-seconds", "5")
    assert code == 1
    assert (outcomes[-1]["result"], outcomes[-1]["link"]) == ("broken", "stored")


def test_nobody_fills_the_store(switched: Lab, tmp_path: Path) -> None:
    with Running(switched, tmp_path / "store", switched.nginx.log("seed")) as running:
        pass
    answer = running.asked("doctor", "--test", DIRECT, host="c1")
    assert answer.returncode == 1
    assert "nobody fills this store" in answer.stderr


def test_the_checks_of_every_link(switched: Lab, tmp_path: Path) -> None:
    with Running(switched, tmp_path / "store", switched.nginx.log("seed")) as running:
        test(running, DIRECT)
        answer = running.asked("doctor")
    assert answer.returncode == 0, answer.stdout
    for link in ("log", "marker", "kernel", "table", "listeners", "joined", "stored", "drops"):
        assert f"ok      {link}" in answer.stdout
