"""When conntrack is believed to be bypassed: when sockets are open that it does not show, though it should, and for a while."""

import pytest

from unmasq.base.clock import ManualClock
from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE
from unmasq.node.bypass import Bypass
from unmasq.observe import dataplane, families, switches
from unmasq.observe.listeners import Listener, Listeners

SECOND = 1_000_000


class Host:
    """A kernel that tracks both families, and shows none of ten sockets."""

    def __init__(self) -> None:
        self.clock, self.counters = ManualClock(1_000 * SECOND), Counters()
        self.listeners = Listeners(self.counters, [Listener(*NONE, 80)])
        self.off, self.tracked, self.interfaces = False, families.BOTH, ["eth0"]
        self.shown, self.total, self.looks = 0, 10, 0
        self.counters.add("lines_read", 5)
        self.bypass = Bypass(None, self.listeners, self.counters, self.clock)

    def sockets(self, space, listeners, clock, wanted):
        self.looks += 1
        return (self.shown, self.total) if wanted else (0, 0)

    def after(self, seconds: float) -> bool:
        """Whether it is found when so much time has passed, asked every second."""
        end = self.clock.now_us() + int(seconds * SECOND)
        found = False
        while self.clock.now_us() < end:
            self.clock.move_to(self.clock.now_us() + SECOND)
            found = self.bypass.is_found()
        return found


@pytest.fixture
def host(monkeypatch):
    host = Host()
    monkeypatch.setattr(dataplane, "interfaces", lambda _: host.interfaces)
    monkeypatch.setattr(dataplane, "shown_of_sockets", host.sockets)
    monkeypatch.setattr(switches, "state", lambda _: switches.Switches(True, True, not host.off, True))
    monkeypatch.setattr(families, "tracked", lambda _: host.tracked)
    return host


def test_it_is_found_when_conntrack_shows_nothing_for_a_while_and_stays_found(host):
    assert not host.after(16)
    assert host.after(6)
    looks = host.looks
    host.shown = 10
    assert host.after(60)
    assert host.looks == looks


def test_also_when_it_shows_next_to_nothing_of_what_lines_name(host):
    host.counters.add("connections_seen", 3)
    assert not host.after(60)
    assert host.looks == 0
    host.counters.add("requests_joined", 90, "nobody")
    host.counters.add("requests_joined", 3, "conntrack")
    assert host.after(80)


def test_it_has_to_be_so_all_the_time(host):
    for _ in range(9):
        assert not host.after(6)
        host.shown = 10 - host.shown
    assert host.looks > 1


NOT = {
    "conntrack shows the sockets": {"shown": 9},
    "no socket is open, as with the log of a time that is long over": {"total": 0},
    "the switches are off": {"off": True},
    "nothing is tracked of the family": {"tracked": frozenset()},
}


@pytest.mark.parametrize("known", NOT.values(), ids=NOT)
def test_otherwise_it_is_not_and_is_looked_for_ever_more_seldom(host, known):
    vars(host).update(known)
    assert not host.after(600)
    assert host.looks <= 14


@pytest.mark.parametrize("known", [{"off": True}, {"tracked": frozenset()}])
def test_a_data_plane_that_is_known_for_it_needs_no_switches(host, known):
    vars(host).update(known, interfaces=["eth0", "cilium_host"])
    assert host.after(30)


def test_without_lines_or_listeners_nothing_is_looked_for(host):
    host.listeners = Listeners(host.counters)
    host.bypass = Bypass(None, host.listeners, host.counters, host.clock)
    assert not host.after(60)
    assert host.looks == 0


def test_what_cannot_be_looked_at_proves_nothing(host, monkeypatch):
    def refuse(*_):
        raise KernelError("not permitted")

    monkeypatch.setattr(dataplane, "shown_of_sockets", refuse)
    assert not host.after(60)
