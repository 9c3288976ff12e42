"""The processes of pods as /proc shows them: by age, within a bound, and whatever vanishes meanwhile."""

import os

import pytest

from tests.unit.observe.procfs import Proc, uid_of
from unmasq.base.telemetry import Counters
from unmasq.observe.processes import Processes

WEB, API = uid_of("web"), uid_of("api")


@pytest.fixture
def proc(tmp_path):
    return Proc(tmp_path)


def processes(proc, most=100):
    counters = Counters()
    return Processes(proc.root, counters, most), counters


def test_those_of_the_pods_that_are_asked_for_come_with_their_namespaces_the_oldest_first(proc):
    path = proc.born(40, "web", "web")
    proc.born(7, "web", "web")  # the numbers begin again some time
    proc.born(8, "api", "api")
    proc.born(1, "host")
    looked, _ = processes(proc)
    found = looked.of_pods({WEB})
    assert [(each.pid, each.uid, each.identity) for each in found] == [(40, WEB, proc.identity("web")), (7, WEB, proc.identity("web"))]
    assert found[0].space == path
    assert {each.uid for each in looked.of_pods({WEB, API})} == {WEB, API}


def test_beyond_the_bound_the_others_are_next_and_nobody_is_forgotten(proc):
    for pid in range(1, 8):
        proc.born(pid, "web", "web")
    looked, counters = processes(proc, most=3)
    seen = [sorted(each.pid for each in looked.of_pods({WEB})) for _ in range(3)]
    assert seen == [[1, 2, 3], [4, 5, 6], [1, 2, 7]]
    assert counters.of("processes_passed_over") == 12
    assert not looked.is_whole
    for pid in range(4, 8):
        proc.end(pid)
    assert sorted(each.pid for each in looked.of_pods({WEB})) == [1, 2, 3]
    assert looked.is_whole


def test_what_ends_while_it_is_looked_at_is_passed_over(proc):
    for missing, pid in (("cgroup", 1), ("stat", 2), ("ns/net", 3)):
        proc.born(pid, "web", "web")
        (proc.root / str(pid) / missing).unlink()
    (proc.space("gone")).unlink()
    proc.born(5, "web", "web")
    looked, counters = processes(proc)
    assert [each.pid for each in looked.of_pods({WEB})] == [5]
    assert list(counters.rows()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look at everything")
def test_what_may_not_be_looked_at_is_counted(proc):
    proc.born(5, "web", "web")
    (proc.root / "5/ns").chmod(0)
    looked, counters = processes(proc)
    assert looked.of_pods({WEB}) == []
    assert counters.of("pod_spaces_unreadable", "process") == 1


def test_without_a_proc_there_is_nobody(tmp_path):
    counters = Counters()
    assert Processes(tmp_path / "none", counters).of_pods({WEB}) == []
    assert counters.of("pod_spaces_unreadable", "proc") == 1
