"""The readers of the kernel at work: they watch what `bench.driver` does, in a process of their own."""

import select
import subprocess
import sys
import time
from pathlib import Path

from bench.driver import PORT
from bench.path_work import Tell
from unmasq.base.clock import SystemClock
from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.node.live import GATHER_SECONDS, PAUSE_SECONDS
from unmasq.observe.feed import CONNTRACK, SOCKETS
from unmasq.observe.listeners import Listener, Listeners
from unmasq.observe.witness import Witness

ROOT = Path(__file__).parent.parent
_IDLE_ROUNDS = 10
_FEEDS = {"udp": CONNTRACK, "tcp": SOCKETS}


def read(kind: str, space: str, a_second: str, seconds: str) -> Tell:
    """Watch until the driver is done and everything was read; tells how many events came and were lost."""
    counters, clock, feed = Counters(), SystemClock(), _FEEDS[kind]
    with Witness(space, counters, clock, Listeners(counters, [Listener(*NONE, PORT)]), feed=feed) as witness:
        witness.dump()
        driver = subprocess.Popen([sys.executable, "-m", "bench.driver", kind, space, a_second, seconds], cwd=ROOT)
        seen = _watch(witness, driver, clock)
    names = {"lost": f"{feed.name}_lost", "events": f"{feed.name}_events"}
    told = {"lines": sum(seen.values())} | {key: counters.of(name) for key, name in names.items()}
    return lambda: told | {event.name.lower(): seen[event] for event in ConnectionEvent}


def _watch(witness: Witness, driver: subprocess.Popen[bytes], clock: SystemClock) -> dict[ConnectionEvent, int]:
    """As a node does it: what has come, a dump where it is due, then wait until the kernel has spoken for a moment."""
    seen = dict.fromkeys(ConnectionEvent, 0)
    idle = 0
    while idle < _IDLE_ROUNDS:
        batch = witness.read()
        _count(batch, seen)
        if witness.dump_due(clock.now_us()):
            _count(witness.dump(), seen)
        idle = 0 if len(batch) or driver.poll() is None else idle + 1
        select.select([witness], [], [], PAUSE_SECONDS)
        time.sleep(GATHER_SECONDS)
    return seen


def _count(batch: ConnectionBatch, seen: dict[ConnectionEvent, int]) -> None:
    for event in ConnectionEvent:
        seen[event] += int((batch.event == event).sum())
