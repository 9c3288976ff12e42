"""What speaks for a data plane that bypasses conntrack: sockets that nothing tracks, and the interfaces of known ones."""

import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from unmasq.base.clock import Clock
from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.observe import namespace
from unmasq.observe.feed import SOCKETS
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
    found: dict[str, int] = {}
    for path in _spaces():
        with suppress(KernelError):
            count = _count(path, listeners, clock)
            found |= {path: count} if count else {}
    return found


def _count(space: str, listeners: Listeners, clock: Clock) -> int:
    counters = Counters()  # what is passed over here is nobody's loss
    table = Table(SOCKETS, namespace.socket_in(space, SOCKETS.protocol), counters, clock, SOCKETS.intake(counters, listeners))
    try:
        return len(table.read())
    finally:
        table.close()


def _spaces() -> list[str]:
    """One path for each namespace: that of its oldest process, in a pod the one that lives as long as the pod."""
    pids = sorted(int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    spaces: dict[str, str] = {}
    for pid in pids:
        path = Path(f"/proc/{pid}/ns/net")
        with suppress(OSError):
            spaces.setdefault(str(path.readlink()), str(path))
    return list(spaces.values())
