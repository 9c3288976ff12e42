"""Which connections belong to us."""

from dataclasses import replace

import numpy as np
import pytest

from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE, parse
from unmasq.model.connection import ConnectionBatch, Witnessed
from unmasq.model.ingress import IngressBatch
from unmasq.observe.listeners import Listener, Listeners
from unmasq.observe.listeners import listener as read

PROXY, PROXY_V6, OTHER = "10.244.1.10", "2001:db8:f1::10", "10.244.2.5"


def listener(address: str, port: int) -> Listener:
    return Listener(*(parse(address) or NONE), port)


def connections(*replying: tuple[str, int]) -> ConnectionBatch:
    """Connections whose replies come from these ends; the id is their place."""
    ends = [listener(*end) for end in replying]
    hi, lo, port = np.array(ends, "u8").reshape(-1, 3).T
    return ConnectionBatch.filled(len(ends), id=np.arange(len(ends)), reply_src_hi=hi, reply_src_lo=lo, reply_sport=port)


def lines(*ends: tuple[str, int], reject: int = 0) -> IngressBatch:
    found = [listener(*end) for end in ends]
    hi, lo, port = np.array(found, "u8").reshape(-1, 3).T
    return IngressBatch.filled(len(found), dest_hi=hi, dest_lo=lo, dest_port=port, reject=np.array(reject))


@pytest.fixture
def counters():
    return Counters()


def kept(listeners: Listeners, batch: ConnectionBatch) -> list[int]:
    """The ids that `keep` keeps, which must be those that `in` says are ours."""
    rows = list(listeners.keep(batch).id)
    ends = zip(batch.reply_src_hi.tolist(), batch.reply_src_lo.tolist(), batch.reply_sport.tolist(), strict=True)
    assert rows == [place for place, end in enumerate(ends) if end in listeners]
    return rows


def test_only_the_listeners_own_address_and_port_are_kept(counters):
    listeners = Listeners(counters, [listener(PROXY, 80), listener(PROXY_V6, 443)])
    batch = connections((PROXY, 80), (PROXY, 443), (OTHER, 80), (PROXY_V6, 443), (PROXY_V6, 80))
    assert kept(listeners, batch) == [0, 3]
    assert counters.of("not_a_listener") == 3


@pytest.mark.parametrize("anything", ["::", "0.0.0.0"])
def test_a_wildcard_address_keeps_its_port_on_every_address(counters, anything):
    listeners = Listeners(counters, [listener(anything, 80)])
    assert kept(listeners, connections((PROXY, 80), (PROXY_V6, 80), (PROXY, 81))) == [0, 1]


def test_without_listeners_nothing_is_kept(counters):
    assert kept(Listeners(counters), connections((PROXY, 80))) == []
    assert kept(Listeners(counters), connections()) == []


def test_a_byte_that_is_zero_still_tells_two_listeners_apart(counters):
    listeners = Listeners(counters, [listener("10.0.0.0", 256), listener("2001:db8::", 80)])
    assert kept(listeners, connections(("10.0.0.0", 256), ("10.0.0.0", 1), ("2001:db8::", 80), ("2001:db8:0:1::", 80))) == [0, 2]


def test_listeners_are_learned_from_lines(counters):
    listeners = Listeners(counters)
    assert listeners.learn(lines((PROXY, 80), (PROXY, 80), (PROXY_V6, 443)))
    assert not listeners.learn(lines((PROXY, 80)))
    assert list(listeners) == [listener(PROXY, 80), listener(PROXY_V6, 443)]


def test_a_line_without_its_own_end_teaches_nothing(counters):
    listeners = Listeners(counters)
    assert not listeners.learn(lines(("-", 80), ("0.0.0.0", 80), (PROXY, 0)))
    assert not listeners.learn(lines((PROXY, 80), reject=4))
    assert not listeners.learn(lines())
    assert len(listeners) == 0


def test_endless_destinations_fill_no_memory(counters):
    listeners = Listeners(counters)
    assert listeners.add(Listener(1, number, 80) for number in range(10_001))
    assert not listeners.add([listener(PROXY, 80)])
    assert len(listeners) == 10_000
    assert counters.of("listeners_refused") == 2


def test_what_is_elsewhere_is_kept_and_told_apart_from_what_is_here(counters):
    listeners = Listeners(counters, [listener(PROXY, 80)])
    listeners.set_elsewhere([listener(PROXY, 80), listener(OTHER, 80), listener("::", 443)])
    batch = connections((PROXY, 80), (OTHER, 80), (PROXY, 443), (OTHER, 81))
    assert kept(listeners, batch) == [0, 1, 2]
    assert listeners.passing(batch).tolist() == [False, True, True, False]
    assert list(listeners) == [listener(PROXY, 80)]


def test_a_listener_that_is_learned_is_elsewhere_no_more_whatever_a_server_says(counters):
    listeners = Listeners(counters)
    listeners.set_elsewhere([listener(PROXY, 80)])
    assert listeners.learn(lines((PROXY, 80)))
    listeners.set_elsewhere([listener(PROXY, 80), listener(OTHER, 80)])
    assert listeners.passing(connections((PROXY, 80), (OTHER, 80))).tolist() == [False, True]
    listeners.set_elsewhere([])
    assert kept(listeners, connections((PROXY, 80), (OTHER, 80))) == [0]


def test_a_socket_is_here_whatever_a_server_says(counters):
    listeners = Listeners(counters)
    listeners.set_elsewhere([listener(PROXY, 80)])
    sockets = replace(connections((PROXY, 80)), witness=np.array([Witnessed.SOCKET], "u1"))
    assert kept(listeners, sockets) == [0]
    assert not listeners.passing(sockets).any()


@pytest.mark.parametrize("text", ["10.244.1.10:80", "[2001:db8:f1::10]:443", "[::]:80"])
def test_a_listener_is_told_as_it_is_read(text):
    assert read(text).text == text


def test_a_change_is_seen_and_saying_the_same_again_is_none(counters):
    listeners = Listeners(counters)
    for told, changes in [([PROXY], 1), ([PROXY], 1), ([OTHER], 2), ([], 3)]:
        listeners.set_elsewhere(listener(address, 80) for address in told)
        assert listeners.changes == changes
    listeners.add([listener(PROXY, 80)])
    assert listeners.changes == 4
    listeners.set_elsewhere(Listener(1, number, 80) for number in range(10_001))
    assert counters.of("listeners_refused") == 1
