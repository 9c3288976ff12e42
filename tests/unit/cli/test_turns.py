"""A stop is heard wherever the kernel leaves the signal."""

import os
import signal
import threading
import time

import pytest

from unmasq.base.telemetry import Counters
from unmasq.cli.turns import Turns


@pytest.fixture
def turns():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield Turns(Counters())
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_that_another_thread_gets_ends_a_pause(turns):
    def strike():
        time.sleep(0.2)
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        time.sleep(20)  # a thread that ends would wake the main one

    threading.Thread(target=strike, daemon=True).start()
    began = time.monotonic()
    turns.pause(10)
    assert time.monotonic() - began < 5


def test_a_pause_lasts_as_long_as_it_was_asked_for(turns):
    began = time.monotonic()
    turns.pause(0.7)
    assert 0.7 <= time.monotonic() - began < 5


def test_no_turn_is_taken_after_a_signal(turns):
    os.kill(os.getpid(), signal.SIGTERM)
    taken = []
    turns.run(lambda: taken.append("a turn"))
    assert taken == []
