"""The addresses of the namespaces that a node watches, read again from time to time: tunnels and virtual addresses come later."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from unmasq.base.clock import Clock
from unmasq.base.errors import KernelError
from unmasq.model.address import Range, is_confined, single, to_text
from unmasq.model.nodesettings import MOST_ADDRESSES
from unmasq.observe import namespace
from unmasq.observe.namespace import InterfaceAddress
from unmasq.observe.pace import Pace

MOST_OF_ONE = 64
"""Addresses of one interface that are told: kube-proxy gives its own one those of all services, which tell no node from another."""

Pair = tuple[int, int]


class OwnAddresses:
    """What comes from an address of the node itself may be anybody's. Those of proxies only tell which listeners are here.

    A proxy in front of another one is a source of its own. `look` by one thread; the attributes may be read by any.
    """

    def __init__(self, space: str | None, proxies: Callable[[], Iterable[str]], clock: Clock) -> None:
        """Raises KernelError where the addresses of `space`, the node's own namespace, cannot be read."""
        self._space, self._proxies, self._clock, self._pace = space, proxies, clock, Pace()
        self.of_node: frozenset[Pair] = frozenset()
        self.ranges: tuple[Range, ...] = ()
        """The same as ranges."""
        self.here: frozenset[Pair] = frozenset()
        """Of the node and of proxies."""
        self.told: tuple[str, ...] = ()
        """What other nodes must know."""
        self._read()

    def look(self) -> bool:
        """Read them again where it is time; whether they changed. What cannot be read now stays as it was."""
        before = self.here
        if self._pace.due(self._clock.now_us(), urgent=False):
            with suppress(KernelError):
                self._read()
        return self.here != before

    def _read(self) -> None:
        began_us = self._clock.now_us()
        found = namespace.interface_addresses(self._space)
        self.of_node = frozenset(one.pair for one in found)
        self.ranges = tuple(single(*pair) for pair in sorted(self.of_node))
        self.here = self.of_node | {pair for space in self._proxies() for pair in _of_proxy(space)}
        self.told = tuple(to_text(*pair) for pair in worth_telling(found))
        self._pace.dumped(began_us, self._clock.now_us())


def _of_proxy(space: str) -> set[Pair]:
    """Nothing where the proxy is not there now: what nobody can watch has no listeners here."""
    try:
        return namespace.addresses(space)
    except KernelError:
        return set()


def worth_telling(found: Sequence[InterfaceAddress]) -> list[Pair]:
    """What tells one node from another: addresses that can be seen elsewhere, a bounded number of each interface, sorted."""
    of_interface: dict[int, list[Pair]] = {}
    for one in found:
        if one.is_wide and not is_confined(*one.pair):
            of_interface.setdefault(one.interface, []).append(one.pair)
    some = (pair for interface in sorted(of_interface) for pair in of_interface[interface][:MOST_OF_ONE])
    return sorted(list(dict.fromkeys(some))[:MOST_ADDRESSES])
