"""The table: parts become one batch, and an interrupted answer is asked for again."""

import socket
import struct

from tests.unit.observe.captures import CAPTURES
from unmasq.base.clock import ManualClock
from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE
from unmasq.observe import netlink
from unmasq.observe.feed import CONNTRACK
from unmasq.observe.intake import Intake
from unmasq.observe.listeners import Listener, Listeners
from unmasq.observe.table import Table

ENTRY = CAPTURES["dump-established-masquerade"][:284]


def part(sequence: int, *, flags: int = netlink.NLM_F_MULTI) -> bytes:
    return ENTRY[:6] + struct.pack("=HI", flags, sequence) + ENTRY[12:]


def done(sequence: int) -> bytes:
    return struct.pack("=IHHIIi", 20, netlink.NLMSG_DONE, netlink.NLM_F_MULTI, sequence, 0, 0)


class Kernel:
    """The other side of the table's socket; it has said everything before it is asked."""

    def __init__(self, *datagrams: bytes) -> None:
        self.counters = Counters()
        ours, self._socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        intake = Intake(self.counters, Listeners(self.counters, [Listener(*NONE, 80)]))
        self.table = Table(CONNTRACK, ours, self.counters, ManualClock(42), intake)
        for datagram in datagrams:
            self._socket.send(datagram)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.table.close()
        self._socket.close()


def test_all_parts_make_one_batch():
    with Kernel(part(1) + part(1), part(1), done(1)) as kernel:
        batch = kernel.table.read()
    assert batch.seen_us.tolist() == [42, 42, 42]
    assert list(kernel.counters.rows()) == [("conntrack_dumps", "", 1)]


def test_an_interrupted_answer_is_asked_for_once_more():
    cut = part(1, flags=netlink.NLM_F_MULTI | netlink.NLM_F_DUMP_INTR)
    with Kernel(cut, done(1), part(2), part(2), done(2)) as kernel:
        batch = kernel.table.read()
    assert len(batch) == 2
    assert kernel.counters.of("conntrack_dump_interrupted") == 1


def test_what_is_interrupted_twice_is_taken_as_it_is():
    cut = [part(n, flags=netlink.NLM_F_MULTI | netlink.NLM_F_DUMP_INTR) for n in (1, 2)]
    with Kernel(cut[0], done(1), cut[1], done(2)) as kernel:
        assert len(kernel.table.read()) == 1
    assert kernel.counters.of("conntrack_dump_interrupted") == 1


def test_an_empty_table_is_a_batch_without_rows():
    with Kernel(done(1), done(2)) as kernel:
        assert len(kernel.table.read()) == 0
        assert len(kernel.table.read()) == 0
