"""`unmasq doctor --test URL --server URL` from inside a pod, which can ask only the server."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.shipping import SHORT, TOKEN, UNMASQ, Program
from tests.story.chain import asked

from . import topology as at
from .cluster import Lab
from .deadline import until

pytestmark = pytest.mark.needs("lab")
PORT = 8470


@pytest.fixture
def switched(lab: Lab) -> Lab:
    lab.network.switches(on=True)
    return lab


def inside(lab: Lab, host: str) -> tuple[str, ...]:
    return ("ip", "netns", "exec", lab.network.namespace(host))


@pytest.fixture
def reachable(switched: Lab, tmp_path: Path) -> Iterator[Path]:
    """A server in the lab that every host reaches, and the node that feeds it; the folder with the token of a reader."""
    (tmp_path / "token").write_text(TOKEN)
    listen = ("--listen", f"{at.EDGE}:{PORT}", "--token-file", str(tmp_path / "token"), "--insecure", "--interval-seconds", "1")
    server = Program(
        tmp_path / "server.said", "serve", "--store", str(tmp_path / "store"), *listen, inside=inside(switched, "edge")
    ).start()
    to = ("--server", f"http://{at.EDGE}:{PORT}", "--token-file", str(tmp_path / "token"), "--spool", str(tmp_path / "spool"), "--insecure")
    reads = ("--input", str(switched.nginx.log("seed")))
    witness = Program(tmp_path / "node.said", "node", *reads, *SHORT, *to, inside=inside(switched, "node"))
    try:
        until(lambda: "serving" in server.said(), "the server to answer", 60)
        made = asked("token", "add", "reader", "--store", str(tmp_path / "store"))
        (tmp_path / "reader").write_text(made.stdout)
        witness.start()
        until(lambda: "reading" in witness.said(), "the node to begin", 60)
        yield tmp_path
    finally:
        witness.kill()
        server.kill()


def from_a_pod(lab: Lab, folder: Path, *words: str, token: str = "reader") -> tuple[int, Any]:
    """Exit code and answer of `doctor --server` on the backend's host."""
    where = ("--server", f"http://{at.EDGE}:{PORT}", "--token-file", str(folder / token), "--insecure")
    argv = [*inside(lab, "backend"), UNMASQ, "doctor", *where, "-o", "json", *words]
    answer = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
    return answer.returncode, json.loads(answer.stdout) if answer.stdout else answer.stderr


def test_from_a_pod(switched: Lab, reachable: Path) -> None:
    code, (both, alone) = from_a_pod(switched, reachable, "--test", f"http://{at.INGRESS}/local")
    assert code == 0
    assert (both["result"], both["original_source_ips"], both["join"]) == ("as sent", ["2.2.2.2"], "exact")
    assert (alone["result"], alone["original_source_ips"], alone["client"]) == ("as sent", ["1.1.1.1"], at.BACKEND)
    code, answer = from_a_pod(switched, reachable)
    assert (code, [check["link"] for check in answer["checks"]]) == (0, ["server", "joined", "stored", "nodes"])
    code, said = from_a_pod(switched, reachable, token="token")
    assert (code, "its token is for node, not for see" in said) == (1, True)


def test_from_a_pod_where_nothing_comes(switched: Lab, reachable: Path) -> None:
    silent = ("--test", f"http://{at.BACKEND}:8080/", "--timeout-seconds", "1")
    code, [outcome] = from_a_pod(switched, reachable, *silent)
    assert (code, outcome["result"], outcome["link"]) == (1, "broken", "shipped")
