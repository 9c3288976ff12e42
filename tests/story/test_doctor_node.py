"""`unmasq doctor` on a node and beside a collector: each link broken once, named, and well again. Processes, no kernel."""

import json

import pytest

from tests.lab.deadline import until
from tests.story.chain import Chain, asked
from tests.story.peers import Felix, line, short_folder, write
from unmasq.cli.doctor import DoctorOptions
from unmasq.cli.doctor_places import looked_at
from unmasq.find import checks


@pytest.fixture
def folder():
    with short_folder() as folder:
        yield folder


def doctor(*words):
    """Exit code, and each check as (state, seen) by its link; the first broken link under the empty name."""
    answer = asked("doctor", "-o", "json", *map(str, words))
    assert answer.stdout, answer.stderr
    found = json.loads(answer.stdout)["checks"]
    broken = [check["link"] for check in found if check["state"] == "broken"]
    assert answer.returncode == bool(broken)
    return {"": broken[0] if broken else None} | {check["link"]: (check["state"], check["seen"]) for check in found}


def first_broken(chain):
    """As the program looks, without starting it each time."""
    broken = checks.first_broken(looked_at(DoctorOptions(spool=chain.spool)).checks)
    return broken and broken.link


def begun(chain):
    """The node alone: its server is not there yet."""
    chain.node.start()
    until((chain.spool / "api.sock").exists, "the node to answer", 30)


def test_each_link_of_a_node_that_collectors_feed(folder):
    with Chain(folder) as chain:
        assert doctor("--spool", chain.spool)["node"] == ("broken", f"nobody has the spool in {chain.spool} open")
        creds = chain.creds.read_bytes()
        chain.creds.unlink()
        begun(chain)
        assert doctor("--spool", chain.spool)["collectors"] == ("broken", f"no pod has credentials in {folder}/run/creds")
        chain.creds.write_bytes(creds)
        until(chain.socket.exists, "the socket")
        found = doctor("--spool", chain.spool)
        assert (found[""], found["collectors"][1]) == ("collectors", f"shop/web-1 can speak below {folder}/run, and nobody has spoken")
        with chain.collecting():
            write(chain.log, b'unmasq: {"source_port": nonsense\n')
            until(lambda: first_broken(chain) == "lines", "the line that cannot be read", 20)
            write(chain.log, line(0))
            until(lambda: first_broken(chain) == "server", "the line that can", 20)
            found = doctor("--spool", chain.spool)
            seen = f"shop/web-1 can speak below {folder}/run: 1 stream of lines and 0 reports came"
            assert found["collectors"] == ("ok", f"{seen}; their pods' addresses cannot be seen from here")
            assert "cannot be reached" in found["server"][1]
            assert (found["log"][0], found["marker"][0], found["lines"][0]) == ("ok", "ok", "warn")
            assert found["marker"][1].startswith("every line has it")
            chain.server.start()
            until(lambda: first_broken(chain) is None, "all to be well", 90)


def test_a_log_that_is_not_there(folder):
    with Chain(folder, "--input", str(folder / "elsewhere")) as chain:
        begun(chain)
        until(lambda: first_broken(chain) == "log", "the log to be missed", 20)
        assert doctor("--spool", chain.spool)["log"][1] == f"{folder}/elsewhere cannot be read"


def test_whose_socket_it_is(folder, monkeypatch):
    monkeypatch.setenv("FELIX_DIAL_TARGET", f"unix:{folder}/socket")
    monkeypatch.setenv("INGRESS_LOG_PATH", f"{folder}/log")
    found = doctor()
    assert (found[""], found["log"][1]) == ("log", f"{folder}/log cannot be read: No such file or directory")
    write(folder / "log", b"nothing of ours\n", line(0))
    found = doctor()
    assert (found[""], found["marker"][0]) == ("socket", "warn")
    with Felix(folder / "socket"):
        found = doctor()
    assert found["socket"] == ("warn", f"{folder}/socket: this socket is Felix's; open-source Felix drops reports")
    with Chain(folder) as chain:
        begun(chain)
        until(chain.socket.exists, "the socket")
        state, seen = doctor("--socket", chain.socket)["socket"]
        assert (state, seen.endswith("listens, for shop/web-1")) == ("ok", True)


def test_a_socket_that_felix_serves_is_told_on_the_node_too(folder):
    with Chain(folder) as chain:
        chain.socket.parent.mkdir(parents=True)
        with Felix(chain.socket):
            begun(chain)
            found = doctor("--spool", chain.spool)
            assert (found[""], found["collectors"][1]) == ("collectors", f"no pod has a socket of ours below {folder}/run (served)")
