"""What is promised of any bytes of a netlink socket: rows or counts, and the fast reader as the plain one."""

from tests.unit.observe.captures import EVERYWHERE, SEEN_US
from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE
from unmasq.observe import conntrack, sock_diag
from unmasq.observe.intake import Intake
from unmasq.observe.listeners import Listener, Listeners


def entries(data: bytes) -> None:
    """No more rows than fit; many datagrams at once by their layout, and message by message, are the same rows and counts."""
    parsed = conntrack.parse(data, 1, EVERYWHERE)
    assert len(conntrack.batch(parsed.rows)) == len(parsed.rows)
    assert len(parsed.rows) + parsed.foreign + parsed.malformed <= len(data) // 16 + 1
    counted = Counters(), Counters()
    fast, plain = (Intake(counters, _known(counters), few) for counters, few in zip(counted, (0, 1 << 30), strict=True))
    found, expected = fast.take([data, data], SEEN_US), plain.take([data, data], SEEN_US)
    assert all(column.tolist() == getattr(expected, name).tolist() for name, column in found.as_dict().items())
    assert list(counted[0].rows()) == list(counted[1].rows())


def _known(counters: Counters) -> Listeners:
    return Listeners(counters, [Listener(*NONE, 80)])


def sockets(data: bytes) -> None:
    """No more rows than fit, and a socket has one name on both sides."""
    parsed = sock_diag.parse(data, 1, EVERYWHERE)
    batch = sock_diag.batch(parsed.rows)
    assert len(batch) == len(parsed.rows)
    assert len(parsed.rows) + parsed.foreign + parsed.malformed <= len(data) // 16 + 1
    assert (batch.bytes_orig >= -1).all()
    assert (batch.orig_sport == batch.reply_dport).all()
