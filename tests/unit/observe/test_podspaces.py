"""The namespaces of pods: found by their processes, kept while they are there, sought again when they are not."""

import pytest

from tests.unit.observe.procfs import Proc, uid_of
from unmasq.base.telemetry import Counters
from unmasq.observe.podspaces import Around, PodSpaces
from unmasq.observe.processes import Processes

SECOND = 1_000_000
START = 1_800_000_000 * SECOND


class Counted(Processes):
    """Counts how often processes are looked through."""

    looks = 0

    def of_pods(self, uids):
        self.looks += 1
        return super().of_pods(uids)


class Looking:
    """A host with pods, and who looks for their namespaces."""

    def __init__(self, proc: Proc, most_processes: int = 100) -> None:
        self.proc, self.counters, self.now_us = proc, Counters(), START
        self.watched = {proc.identity("host")}
        self.processes = Counted(proc.root, self.counters, most_processes)
        self.spaces = PodSpaces(self.processes, self.counters, most=2)

    def look(self, *pods: str, seconds: float = 0) -> dict[str, str]:
        """The names of the namespaces that are found, each with the number of a process in it."""
        self.now_us += int(seconds * SECOND)
        around = Around(self.proc.identity("host"), self.watched)
        self.spaces.look({uid_of(pod): f"shop/{pod}" for pod in pods}, around, self.now_us)
        names = {self.proc.identity(name): name for name in ("host", "web", "api", "job", "inner")}
        return {names[identity]: path.split("/")[-3] for identity, path in self.spaces.found.items()}


@pytest.fixture
def looking(tmp_path):
    return Looking(Proc(tmp_path))


def test_the_namespaces_of_pods_are_found_once_each(looking):
    looking.proc.born(1, "host")
    looking.proc.born(10, "web", "web")
    looking.proc.born(11, "web", "web")
    looking.proc.born(20, "api", "api")
    assert looking.look("web", "api") == {"web": "10", "api": "20"}
    assert looking.look("api") == {"api": "20"}
    assert looking.spaces.missing == {}
    assert looking.counters.of("pod_spaces_found") == 2


def test_a_process_of_the_host_among_those_of_a_pod_does_not_hide_its_namespace(looking):
    """A monitor of the runtime, which is older and outside."""
    looking.proc.born(9, "host", "web")
    looking.proc.born(10, "web", "web")
    looking.watched = set()
    assert looking.look("web") == {"web": "10"}


def test_a_namespace_that_a_container_made_is_not_taken_for_that_of_its_pod(looking):
    looking.proc.born(12, "web", "web")
    looking.proc.born(10, "inner", "web")
    assert looking.look("web") == {"web": "12"}


def test_a_pod_in_the_hosts_network_is_not_watched_twice_and_is_watched_once_where_conntrack_is_not(looking):
    looking.proc.born(10, "host", "web")
    assert looking.look("web") == {}
    assert looking.spaces.missing == {}
    looking.watched = set()
    assert looking.look("web", seconds=1) == {"host": "10"}
    assert looking.spaces.missing == {}


def test_a_pod_that_ended_and_one_that_began_are_noticed(looking):
    looking.proc.born(10, "web", "web")
    assert looking.look("web", "api") == {"web": "10"}
    assert looking.spaces.missing == {"shop/api": "no process of it is to be seen"}
    looking.proc.end(10)
    looking.proc.born(20, "api", "api")
    assert looking.look("web", "api", seconds=1) == {"api": "20"}
    assert looking.spaces.missing == {"shop/web": "no process of it is to be seen"}
    assert looking.counters.of("pod_spaces_vanished") == 1
    looking.look("api")
    assert looking.spaces.missing == {}


def test_another_process_takes_the_place_of_one_that_ended_at_once(looking):
    looking.proc.born(10, "web", "web")
    looking.proc.born(11, "web", "web")
    assert looking.look("web") == {"web": "10"}
    looking.proc.end(10)
    assert looking.look("web") == {"web": "11"}


def test_a_number_that_is_used_again_leads_nowhere_else(looking):
    looking.proc.born(10, "web", "web")
    looking.look("web")
    looking.proc.end(10)
    looking.proc.born(10, "api", "api")
    assert looking.look("web") == {}
    assert looking.counters.of("pod_spaces_vanished") == 1


def test_a_pod_that_is_not_there_is_sought_ever_more_seldom(looking):
    """The folder of its log may stay for days."""
    looks = []
    for second in range(200):
        before = looking.processes.looks
        looking.look("job", seconds=1)
        looks += [second] * (looking.processes.looks - before)
    assert looks == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    looking.proc.born(30, "job", "job")
    assert looking.look("job", seconds=-3600) == {"job": "30"}, "a clock that was set back makes nobody wait"
    looking.look("job", seconds=1)
    assert looking.processes.looks == 10, "what is found is not sought"


def test_while_not_all_processes_were_looked_into_nobody_waits_longer(tmp_path):
    looking = Looking(Proc(tmp_path), most_processes=1)
    for pid in (1, 2, 3, 4):
        looking.proc.born(pid, "host")
    looking.proc.born(5, "web", "web")
    assert [looking.look("web", seconds=1) for _ in range(5)] == [{}] * 4 + [{"web": "5"}]


def test_there_is_a_bound_and_beyond_it_pods_are_counted_once(looking):
    for pid, name in ((10, "web"), (20, "api"), (30, "job")):
        looking.proc.born(pid, name, name)
    found = looking.look("web", "api", "job")
    assert len(found) == 2
    assert list(looking.spaces.missing.values()) == ["the namespaces of other pods are as many as can be watched"]
    looking.look("web", "api", "job", seconds=5)
    assert looking.counters.of("pod_spaces_refused") == 1
    (name,) = looking.spaces.missing
    assert looking.look(name.removeprefix("shop/"), seconds=60) != {}
