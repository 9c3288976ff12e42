"""Which places are watched for pods: none while conntrack suffices, and each namespace once where it does not."""

from typing import Any

import pytest

from tests.unit.observe.procfs import Proc, uid_of
from tests.unit.observe.test_replay import told
from unmasq.base.clock import ManualClock
from unmasq.base.telemetry import Counters
from unmasq.model.connection import ConnectionEvent
from unmasq.node import sight
from unmasq.node.bypass import Bypass
from unmasq.node.sight import Sight
from unmasq.node.watch import Watch
from unmasq.observe.feed import CONNTRACK, SOCKETS
from unmasq.observe.listeners import Listeners
from unmasq.observe.replay import Replay

SECOND = 1_000_000


class Seen:
    """A node on a host of our own making; its witnesses see nothing."""

    def __init__(self, proc: Proc, **watch: Any) -> None:
        self.proc, self.clock, self.counters = proc, ManualClock(1_000 * SECOND), Counters()
        known: dict[str, Any] = {"namespace": str(proc.space("host")), "proc": str(proc.root)} | watch
        self.sight = Sight(Watch("node-1", [], **known), Listeners(self.counters), self.counters, self.clock)

    def look(self, *pods: str) -> list[tuple[str, str]]:
        """What is watched a second later: the feed, and the path; the host's conntrack first, the pods in any order."""
        self.clock.move_to(self.clock.now_us() + SECOND)
        self.sight.look(lambda: {uid_of(pod): f"shop/{pod}" for pod in pods})
        places = [(place.feed.name, place.space or "") for place in self.sight.witnesses.places]
        return places[:1] + sorted(places[1:])


@pytest.fixture
def proc(tmp_path):
    return Proc(tmp_path)


@pytest.fixture
def seen(proc, monkeypatch):
    """Makes such nodes; `bypassed` is what they will find."""
    made = []

    def make(bypassed=False, **watch):
        monkeypatch.setattr(
            sight, "Witness", lambda *_, **__: Replay([told((1, ConnectionEvent.NEW))], ManualClock(2), Listeners(Counters()))
        )
        monkeypatch.setattr(Bypass, "is_found", lambda _: bypassed)
        made.append(Seen(proc, **watch))
        return made[-1]

    yield make
    for one in made:
        one.sight.witnesses.close()


def host(proc) -> tuple[str, str]:
    return CONNTRACK.name, str(proc.space("host"))


def test_while_conntrack_suffices_pods_are_not_even_sought(proc, seen):
    proc.born(10, "web", "web")
    one = seen()
    assert one.look("web") == [host(proc)]
    assert (one.sight.pod_sockets, one.counters.of("pod_spaces_found")) == (None, 0)


@pytest.mark.parametrize("how", [{"bypassed": True}, {"pod_sockets": True}])
def test_asked_for_or_bypassed_the_sockets_of_pods_are_watched_as_they_come_and_go(proc, seen, how):
    web = proc.born(10, "web", "web")
    one = seen(**how)
    assert one.look("web", "api") == [host(proc), (SOCKETS.name, web)]
    assert one.sight.pods_missing == {"shop/api": "no process of it is to be seen"}
    api = proc.born(20, "api", "api")
    proc.born(11, "web", "web")
    proc.end(10)
    assert one.look("web", "api") == [host(proc), (SOCKETS.name, web.replace("/10/", "/11/")), (SOCKETS.name, api)]
    assert one.look("api") == [host(proc), (SOCKETS.name, api)]


def test_a_namespace_is_watched_once_whoever_shares_it(proc, seen):
    proc.born(10, "host", "web")
    proc.born(20, "named", "api")
    shared = proc.born(30, "job", "job")
    proc.born(31, "job", "twin")
    named = str(proc.space("named"))
    one = seen(pod_sockets=True, sockets=[named])
    places = one.look("web", "api", "job", "twin")
    assert len(places) == 3
    assert (places[0], (SOCKETS.name, named) in places) == (host(proc), True)
    assert {(SOCKETS.name, shared), (SOCKETS.name, shared.replace("/30/", "/31/"))} & set(places)
    assert one.sight.pods_missing == {}


def test_without_conntrack_pods_are_watched_only_if_that_is_asked_for_then_also_those_of_the_host(proc, seen):
    path = proc.born(10, "host", "web")
    untold = seen(bypassed=True, kernel=False)
    assert (untold.look("web"), untold.sight.is_open) == ([], False)
    asked = seen(kernel=False, pod_sockets=True)
    assert asked.sight.is_open
    assert asked.look("web") == [(SOCKETS.name, path)]


def test_it_is_looked_once_a_second(proc, seen):
    one = seen(pod_sockets=True)
    one.look("web")
    proc.born(10, "web", "web")
    one.clock.move_to(one.clock.now_us() + SECOND - 1)
    one.sight.look(lambda: {uid_of("web"): "shop/web"})
    assert len(one.sight.witnesses.places) == 1
    assert len(one.look("web")) == 2
