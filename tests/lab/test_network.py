"""The network itself: how it comes, what it can be told, and that nothing of it stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from . import topology as at
from .claim import PLACE, LabInUse
from .cluster import Lab
from .conntrack import entries
from .deadline import until
from .namespace import NAMES
from .network import Network
from .removal import remove_dead

pytestmark = pytest.mark.needs("lab")
ROOT = Path(__file__).resolve().parents[2]


def own(name: str) -> str:
    """A prefix that no test run beside this one has."""
    return f"{name}{os.getpid()}"


def left(prefix: str) -> list[Path]:
    """What of a lab there still is."""
    return [*NAMES.glob(f"{prefix}-*"), *PLACE.glob(f"{prefix}*")]


def test_it_comes_and_goes_without_a_trace():
    with Network(own("umtrace")) as network:
        sleeper = network.popen("c1", ["sleep", "60"])
        assert {path.name for path in NAMES.glob(f"{network.prefix}-*")} == {network.namespace(host) for host in at.HOSTS}
        assert not {path.name for path in Path("/sys/class/net").iterdir()} & {link.host for link in at.LINKS}
    assert sleeper.poll() is not None
    assert not left(own("umtrace"))


def test_an_exception_takes_it_down_too():
    with pytest.raises(KeyError), Network(own("umfall")):
        raise KeyError
    assert not left(own("umfall"))


def test_a_living_one_is_refused_and_not_touched():
    with Network(own("umlive")) as network:
        with pytest.raises(LabInUse, match=f"process {os.getpid()}"), Network(own("umlive")):
            pass
        assert own("umlive") not in remove_dead()
        assert network.run("c1", ["true"]).returncode == 0


def test_the_dead_are_removed_with_their_children():
    script = (
        f"import os, signal; from tests.lab.network import Network; n = Network({own('umdead')!r}).__enter__();"
        "print(n.popen('c1', ['sleep', '60'], stdout=-3, stderr=-3).pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    owner = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert owner.returncode == -signal.SIGKILL, owner.stderr
    with Network(own("umheir")):
        until(lambda: not left(own("umdead")), "the lab of the dead to be removed, by us or by a test run beside us")
    until(lambda: not lives(int(owner.stdout)), "the orphan to end")


def lives(pid: int) -> bool:
    """Whether the process runs; one that has ended may still wait for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_it_comes_with_the_switches_off_and_sets_them():
    with Network(own("umswitch"), switches=False) as network:
        assert network.switched() == {"acct": 0, "timestamp": 0, "events": 2}
        network.switches(on=True)
        assert network.switched() == {"acct": 1, "timestamp": 1, "events": 1}
        network.reset()
        assert network.switched() == {"acct": 0, "timestamp": 0, "events": 2}


def test_conntrack_sleeps_until_a_rule_wakes_it(lab: Lab):
    lab.network.nat("none")
    lab.network.forget()
    lab.request("c1", at.INGRESS, 80, "/local")
    assert entries(lab.network) == []
    lab.network.switches(on=True)
    lab.request("c1", at.INGRESS, 80, "/local")
    (entry,) = entries(lab.network)
    assert entry.original.source == at.C1
    assert entry.bytes_reply > 0


def test_words_that_mean_nothing_are_refused(lab: Lab):
    with pytest.raises(ValueError, match="one of local, cluster, none"):
        lab.network.nat("cloud")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one of c1, c2"):
        lab.network.run("c3", ["true"])
    with pytest.raises(ValueError, match="bad prefix"):
        Network("../x")
    with pytest.raises(RuntimeError, match="ended with 1"):
        lab.network.run("c1", ["false"])
