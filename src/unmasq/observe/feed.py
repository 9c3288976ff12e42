"""What the kernel tells in one of netlink's languages: the events of one protocol and the dump of its table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from unmasq.base.telemetry import Counters
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import conntrack, sock_diag
from unmasq.observe.intake import Intake
from unmasq.observe.listeners import Listeners
from unmasq.observe.sockets import SocketIntake


class Taking(Protocol):
    """Turns the datagrams of a feed into connections of our listeners; never raises."""

    def take(self, datagrams: Iterable[bytes], seen_us: int) -> ConnectionBatch:
        """The rows of datagrams that were read at `seen_us`, in order."""
        ...


@dataclass(frozen=True)
class Feed:
    """Which socket to open, which groups to join, what to ask for the whole table, and who reads the answers."""

    name: str
    """The first word of its counters."""
    protocol: int
    groups: tuple[int, ...]
    requests: tuple[Callable[[int], bytes], ...]
    """Each asks for a part of the table, by a sequence number; together they ask for all of it."""
    intake: Callable[[Counters, Listeners], Taking]
    events: str
    """What errors call its events."""
    table: str
    """What errors call its table."""


CONNTRACK = Feed(
    name="conntrack",
    protocol=conntrack.NETLINK_NETFILTER,
    groups=(conntrack.GROUP_NEW, conntrack.GROUP_DESTROY),
    requests=(conntrack.dump_request,),
    intake=Intake,
    events="conntrack events",
    table="the connection tracking table",
)

SOCKETS = Feed(
    name="sockets",
    protocol=sock_diag.NETLINK_SOCK_DIAG,
    groups=(sock_diag.GROUP_TCP_DESTROY, sock_diag.GROUP_TCP6_DESTROY),
    requests=sock_diag.DUMP_REQUESTS,
    intake=SocketIntake,
    events="the ends of sockets",
    table="the list of sockets",
)
