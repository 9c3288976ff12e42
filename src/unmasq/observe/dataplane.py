"""What speaks for a data plane that bypasses conntrack: sockets that nothing tracks, and the interfaces of known ones."""

import socket
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from unmasq.base.clock import Clock
from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.model.connection import ConnectionBatch
from unmasq.model.families import family_of
from unmasq.observe import namespace
from unmasq.observe.feed import CONNTRACK, SOCKETS, Feed
from unmasq.observe.listeners import Listeners
from unmasq.observe.table import Table

_INTERFACES = {"cilium_host": "Cilium", "bpfin.cali": "Calico with eBPF", "bpfout.cali": "Calico with eBPF"}
"""Made by data planes that forward with eBPF: what they carry need not pass netfilter."""


def known_by(interfaces: Iterable[str]) -> str | None:
    """The data plane that made one of these interfaces; None where none is known."""
    return next((_INTERFACES[name] for name in sorted(interfaces) if name in _INTERFACES), None)


def interfaces(space: str | None) -> list[str]:
    """The names of a namespace's interfaces. Raises KernelError."""
    with namespace.entered(space):
        return [name for _, name in socket.if_nameindex()]


def sockets_of(listeners: Listeners, clock: Clock) -> dict[str, int]:
    """Where the connections of the listeners are: path of a network namespace -> how many of their sockets are open in it.

    Looks into every namespace that a process of ours can see; one that may not be entered has none.
    """
    return {path: len(sockets) for path in _spaces() if len(sockets := _sockets(path, listeners, clock))}


def shown_of_sockets(space: str | None, listeners: Listeners, clock: Clock, families: Collection[str]) -> tuple[int, int]:
    """Of the listeners' sockets of these families that are open in other namespaces: how many conntrack shows in `space`, of how many.

    One that is open has an entry where it is tracked, unless it was idle ever since that began. Raises KernelError.
    """
    host = namespace.identity(space)
    sockets = [_sockets(path, listeners, clock) for path in _spaces() if _identity(path) != host]
    tuples = {each for batch in sockets for each in _tuples(batch) if family_of(*each[:2]) in families}
    shown = tuples.intersection(_tuples(_table(CONNTRACK, space, listeners, clock))) if tuples else set()
    return len(shown), len(tuples)


def _sockets(space: str, listeners: Listeners, clock: Clock) -> ConnectionBatch:
    with suppress(KernelError):
        return _table(SOCKETS, space, listeners, clock)
    return ConnectionBatch.empty()


def _table(feed: Feed, space: str | None, listeners: Listeners, clock: Clock) -> ConnectionBatch:
    counters = Counters()  # what is passed over here is nobody's loss
    table = Table(feed, namespace.socket_in(space, feed.protocol), counters, clock, feed.intake(counters, listeners))
    with closing(table):
        return table.read()


def _tuples(batch: ConnectionBatch) -> Iterator[tuple[int, ...]]:
    """What the proxy's socket sees: its own end, and the other."""
    columns = ("reply_src_hi", "reply_src_lo", "reply_sport", "reply_dst_hi", "reply_dst_lo", "reply_dport")
    return zip(*(getattr(batch, name).tolist() for name in columns), strict=True)


def _identity(path: str) -> tuple[int, int] | None:
    with suppress(KernelError):
        return namespace.identity(path)
    return None


def _spaces() -> list[str]:
    """One path for each namespace: that of its oldest process, in a pod the one that lives as long as the pod."""
    pids = sorted(int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    spaces: dict[str, str] = {}
    for pid in pids:
        path = Path(f"/proc/{pid}/ns/net")
        with suppress(OSError):
            spaces.setdefault(str(path.readlink()), str(path))
    return list(spaces.values())
