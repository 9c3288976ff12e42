"""Where a pod is, by its UID: found by its processes, looked up now and then."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.story.podprocess import ADDRESS, pod_process
from tests.unit.observe.procfs import Proc, uid_of
from unmasq.base.clock import ManualClock
from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.model.address import parse
from unmasq.observe import namespace
from unmasq.observe.policy_sync.whereabouts import MOST_PROCESSES, Whereabouts, addresses_of
from unmasq.observe.processes import Processes

OWN, OTHER, HOSTS = (frozenset({(0, number)}) for number in (7, 8, 9))


@pytest.fixture
def proc(tmp_path, monkeypatch):
    """A folder like /proc; the kernel says of the namespaces there what it says of none."""
    proc = Proc(tmp_path)
    known = {proc.identity(name): ends for name, ends in (("web", OWN), ("api", OTHER), ("host", HOSTS))}
    spaces = {None: proc.space("host")}
    monkeypatch.setattr(namespace, "identity", lambda space: ((s := spaces.get(space, Path(space or "")).stat()).st_dev, s.st_ino))
    monkeypatch.setattr(namespace, "addresses", lambda space: known[namespace.identity(space)])
    proc.born(7, "host")
    return proc


def found(proc, pod="web"):
    return addresses_of(uid_of(pod), Processes(proc.root, Counters(), MOST_PROCESSES))


def test_a_pod_is_where_its_processes_are(proc):
    proc.born(8, "api", "api")
    proc.born(9, "web", "web")
    assert (found(proc), found(proc, "api"), found(proc, "none")) == (OWN, OTHER, None)


def test_a_namespace_that_a_container_made_is_not_the_pods(proc):
    proc.born(8, "host", "web")  # of the runtime
    proc.born(9, "web", "web")
    proc.born(5, "api", "web")  # younger, whatever its number
    assert found(proc) == OWN


def test_a_pod_in_the_hosts_network_has_the_hosts_addresses(proc):
    proc.born(8, "host", "web")
    assert found(proc) == HOSTS


def test_without_a_uid_nothing_is_looked_for(proc):
    proc.born(8, "web", "web")
    assert addresses_of("", Processes(proc.root, Counters())) is None


def test_a_namespace_that_may_not_be_entered_tells_nothing(proc, monkeypatch):
    def refused(_space):
        raise KernelError("no")

    proc.born(8, "web", "web")
    monkeypatch.setattr(namespace, "addresses", refused)
    assert found(proc) is None


def test_they_are_looked_up_now_and_then_and_stay_known():
    clock, answers = ManualClock(10**15), [None, OWN, None]
    where = Whereabouts(lambda: answers.pop(0), clock)
    assert [where.ends(), where.ends()] == [None, None]
    for _ in range(2):
        clock.move_to(clock.now_us() + 30_000_000)
        assert where.ends() == OWN
    assert answers == []


@pytest.mark.needs("lab")
def test_a_real_process_in_a_real_control_group_and_namespace():
    uid, processes = str(uuid4()), Processes(Path("/proc"), Counters(), MOST_PROCESSES)
    with pod_process(uid) as pid:
        ends = addresses_of(uid, processes)
        assert ends == frozenset(namespace.addresses(f"/proc/{pid}/ns/net"))
        assert parse(ADDRESS) in (ends or ())
