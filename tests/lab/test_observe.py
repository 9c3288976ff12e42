"""The witness on a real kernel: from outside, what connections in a namespace were, and what was lost."""

import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from unmasq.base.clock import SystemClock
from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE, parse, to_text
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.observe.listeners import Listener, Listeners
from unmasq.observe.witness import Witness

from . import busy
from . import topology as at
from .cluster import Lab
from .conntrack import Tuple, entries
from .deadline import until
from .namespace import inside
from .processes import run
from .translation import NodeMode

pytestmark = pytest.mark.needs("lab")
NEW, DESTROY, DUMP = ConnectionEvent
FLOWS, FIRST_PORT, DISCARD = 3000, 20000, 9


class Way(NamedTuple):
    """A connection to the ingress: to where, who opens it, and what the proxy sees."""

    to: str
    port: int
    opener: str
    proxy: str
    seen: str
    nat: NodeMode


WAYS = {
    "direct": Way(at.INGRESS, 80, at.C1, at.INGRESS, at.C1, "local"),
    "direct, v6": Way(at.INGRESS_V6, 80, at.C1_V6, at.INGRESS_V6, at.C1_V6, "local"),
    "masquerade": Way(at.NODE, 30080, at.C1, at.INGRESS, at.GATEWAY, "cluster"),
    "masquerade, v6": Way(at.NODE_V6, 30080, at.C1_V6, at.INGRESS_V6, at.GATEWAY_V6, "cluster"),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_connection_is_seen_from_its_first_packet_to_its_end(lab: Lab, way: Way) -> None:
    lab.network.switches(on=True)
    lab.network.nat(way.nat)
    lab.network.forget()
    counters = Counters()
    with witness_of(lab, counters, Listener(*address(way.proxy), 80)) as witness:
        with lab.connect("c1", way.to, way.port) as connection:
            new = one(heard(witness, NEW))
            connection.request()
            open_ = one(witness.dump())
        assert ends(new) == ends(open_)
        assert ends(new)[0] == Tuple(way.opener, connection.local_port, way.to, way.port)
        assert ends(new)[1] == Tuple(way.proxy, 80, way.seen, int(new.reply_dport[0]))
        assert abs(int(new.start_us[0] - open_.start_us[0])) < 100_000
        assert (new.bytes_orig[0], open_.stop_us[0]) == (-1, 0)
        assert min(open_.bytes_orig[0], open_.bytes_reply[0], open_.packets_orig[0], open_.packets_reply[0]) > 0

        over = until(lambda: ended(witness.dump()), "the connection to be over")
        (entry,) = (entry for entry in entries(lab.network) if entry.original == ends(new)[0])
        assert (over.bytes_orig[0], over.bytes_reply[0], over.id[0]) == (entry.bytes_original, entry.bytes_reply, entry.id)

        lab.network.forget()
        gone = one(heard(witness, DESTROY))
    assert (ends(gone), gone.id[0], gone.start_us[0]) == (ends(new), new.id[0], open_.start_us[0])
    assert gone.start_us[0] < gone.stop_us[0] <= gone.seen_us[0]
    assert (gone.bytes_orig[0], gone.bytes_reply[0]) == (over.bytes_orig[0], over.bytes_reply[0])
    assert counters.of("conntrack_lost") == counters.of("conntrack_malformed") == 0


def test_connections_to_others_are_counted_only(lab: Lab) -> None:
    lab.network.switches(on=True)
    counters = Counters()
    with witness_of(lab, counters, Listener(*address(at.INGRESS), 80)) as witness:
        lab.request("c1", at.INGRESS, 8083)
        lab.request("c2", at.INGRESS, 80)
        assert ends(one(heard(witness, NEW)))[0].source == at.C2
        assert counters.of("not_a_listener") > 0


@pytest.fixture
def quiet() -> Iterator[Path]:
    with busy.quiet() as space:
        yield Path(space)


def test_what_overruns_the_buffer_is_counted_exactly_and_healed_by_a_dump(quiet: Path) -> None:
    counters = Counters()
    ours = Listeners(counters, [Listener(*NONE, DISCARD)])
    with Witness(str(quiet), counters, SystemClock(), ours, buffer_bytes=100_000) as witness:
        assert len(witness.dump()) == 0
        flood(quiet)
        heard_ports = drained(witness)
        assert 0 < len(heard_ports) < FLOWS
        assert counters.of("conntrack_overruns") == 1
        assert len(heard_ports) + counters.of("conntrack_lost") == FLOWS

        assert witness.dump_due(SystemClock().now_us() + 1_000_000)
        assert sorted(witness.dump().orig_sport) == list(range(FIRST_PORT, FIRST_PORT + FLOWS))
        assert counters.of("conntrack_healed") == 1

        with inside(quiet):
            run(["conntrack", "-F"])  # thousands of DESTROY overrun it again
        drained(witness)
        assert counters.of("conntrack_overruns") == 2
        assert counters.of("conntrack_events") + counters.of("conntrack_lost") == 2 * FLOWS


@pytest.mark.needs("users")
def test_without_rights_everything_says_which(lab: Lab) -> None:
    counters = Counters()
    with as_nobody():
        with pytest.raises(KernelError, match="cannot enter the network namespace") as of_another:
            witness_of(lab, counters, Listener(*NONE, 80))
        with pytest.raises(KernelError, match="cannot listen to conntrack events") as of_ours:
            Witness(None, counters, SystemClock(), Listeners(counters))
    assert "CAP_SYS_ADMIN" in of_another.value.next_step
    assert "CAP_NET_ADMIN" in of_ours.value.next_step
    assert counters.of("conntrack_buffer_refused") == 1


def witness_of(lab: Lab, counters: Counters, listener: Listener) -> Witness:
    return Witness(lab.network.namespace("node"), counters, SystemClock(), Listeners(counters, [listener]))


def heard(witness: Witness, event: ConnectionEvent) -> ConnectionBatch:
    """The first rows of an event that the witness tells of."""

    def rows() -> ConnectionBatch:
        select.select([witness], [], [], 5)
        batch = witness.read()
        return batch.take(batch.event == event)

    return until(rows, f"a connection's {event.name}")


def drained(witness: Witness) -> list[int]:
    """The client's ports of everything that waits to be read."""
    ports: list[int] = []
    while len(batch := witness.read()):
        ports += batch.orig_sport.tolist()
    return ports


def flood(space: Path) -> None:
    """One UDP packet each from 3000 ports of a namespace to itself."""
    with inside(space):
        for port in range(FIRST_PORT, FIRST_PORT + FLOWS):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind(("127.0.0.1", port))
                sender.sendto(b"x", ("127.0.0.1", DISCARD))


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without any capability, for as long as the effective user is not root."""
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def one(batch: ConnectionBatch) -> ConnectionBatch:
    assert len(batch) == 1
    return batch


def ended(batch: ConnectionBatch) -> ConnectionBatch:
    return batch.take(batch.stop_us > 0)


def address(text: str) -> tuple[int, int]:
    found = parse(text)
    assert found
    return found


def ends(batch: ConnectionBatch) -> tuple[Tuple, Tuple]:
    """The tuples of a batch's only row, as the lab's own witness writes them."""
    row = {name: int(np.asarray(values)[0]) for name, values in batch.as_dict().items()}
    original, reply = (
        Tuple(
            to_text(row[f"{way}_src_hi"], row[f"{way}_src_lo"]),
            row[f"{way}_sport"],
            to_text(row[f"{way}_dst_hi"], row[f"{way}_dst_lo"]),
            row[f"{way}_dport"],
        )
        for way in ("orig", "reply")
    )
    return original, reply
