"""The kernel has more to tell than can be heard or kept. Needs root: it makes a namespace."""

import os
import signal
import socket
import time
from pathlib import Path

from tests.faults.outcome import Outcome, Row, Rows, Size
from tests.faults.site import Site, site
from tests.lab.deadline import until
from tests.lab.namespace import inside
from tests.story.chain import asked
from unmasq.model.health import NodeStatus

_A_SECOND, _SECONDS = 5000, 24
_PATIENCE_SECONDS = 90
_SINK = 9
_NEARLY = 0.95


def _overrun(folder: Path, size: Size) -> Outcome:
    """The process stands still while 120,000 connections come and go, more than the kernel's buffer holds, and then reads on."""
    with site(folder) as made:
        os.kill(made.pid, signal.SIGSTOP)
        made.connect(_A_SECOND, _SECONDS)
        os.kill(made.pid, signal.SIGCONT)
        until(lambda: _counted(made, "conntrack_lost"), "the events to be counted that were lost", _PATIENCE_SECONDS)
        until(lambda: _counted(made, "conntrack_healed"), "a dump to bring back what is there still", _PATIENCE_SECONDS)
        return _outcome(made, "")


def _full(folder: Path, size: Size) -> Outcome:
    """Somebody fills conntrack's table; connections come meanwhile."""
    with site(folder) as made:
        most = _status(made).connections_most
        _fill(made.space, most)
        made.connect(_A_SECOND, max(1, size.lines // _A_SECOND))
        until(lambda: _status(made).connections_tracked > _NEARLY * most, "the table to be seen full", _PATIENCE_SECONDS)
        told = asked("doctor", "--store", str(made.store)).stdout
        return _outcome(made, "" if "nf_conntrack_max" in told else "doctor does not tell that the table is full")


def _fill(space: str, most: int) -> None:
    """As many entries as there may be, each of a packet to another address."""
    with (
        inside(Path(space)),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to,
    ):
        sink.bind(("0.0.0.0", _SINK))
        for number in range(most):
            to.sendto(b"x", (f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}", _SINK))


def _outcome(made: Site, wrong: str) -> Outcome:
    for usual in made.usual:
        usual.rest()
    written, began = made.logs[0].read_bytes().count(b"\n"), time.monotonic()
    until(lambda: _counted(made, "lines_read") >= written, "every line to be read", _PATIENCE_SECONDS)
    seconds = time.monotonic() - began
    made.program.finish()
    with made.asked() as backend:
        stored = backend.health().requests
    return Outcome(written, min(stored, written), 0, max(0, stored - written), seconds, wrong)


def _counted(made: Site, name: str) -> int:
    return _status(made).count(name)


def _status(made: Site) -> NodeStatus:
    with made.asked() as backend:
        status = backend.status()
        assert status is not None
        return status


ROWS: Rows = {
    "conntrack's events overrun their buffer": Row(_overrun, needs_root=True),
    "conntrack's table is full": Row(_full, needs_root=True),
}
