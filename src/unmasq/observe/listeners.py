"""The addresses and ports at which our proxies accept connections."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmasq.base.errors import UsageError
from unmasq.base.ports import port_of
from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE, V4_PREFIX, parse, to_text
from unmasq.model.columns import Array
from unmasq.model.connection import ConnectionBatch, Witnessed
from unmasq.model.groups import grouped
from unmasq.model.ingress import IngressBatch

_ANY = (NONE, (0, V4_PREFIX))  # :: and 0.0.0.0
_MOST = 10_000  # a cluster has fewer; more means that somebody writes destinations into a log
_KEY = np.dtype([("hi", "u8"), ("lo", "u8"), ("port", "u8")])
_WHOLE = np.dtype((np.void, _KEY.itemsize))  # a key as bytes compares eight times as fast as by its fields


class Listener(NamedTuple):
    """An address and a port; `::` and `0.0.0.0` stand for every address of both families."""

    hi: int
    lo: int
    port: int

    @property
    def text(self) -> str:
        """As `listener` reads it."""
        address = to_text(self.hi, self.lo)
        return f"[{address or '::'}]:{self.port}" if ":" in address or not address else f"{address}:{self.port}"


def listener(text: str) -> Listener:
    """ADDRESS:PORT, with brackets around an IPv6 address; `*` for every address. Raises UsageError."""
    host, _, digits = text.rpartition(":")
    port = port_of(digits)
    pair = NONE if host in ("*", "::", "[::]", "0.0.0.0") else parse(host)  # noqa: S104  # an address to match, not to bind
    if pair is None or not port:
        raise UsageError(f"not a listener: {text!r}", "a listener is ADDRESS:PORT", "write it like 10.244.1.10:80 or [2001:db8::10]:443")
    return Listener(*pair, port)


class Listeners:
    """A set of listeners, from settings and learned from lines; iterates in order. Others are known to be elsewhere.

    A connection belongs to a listener when the source of its replies is one: the proxy's own socket, on whichever side
    of a translation. `in` asks that of one end, `keep` of a batch, of listeners anywhere. Counts `not_a_listener` (rows
    that `keep` drops) and `listeners_refused` (beyond 10,000 here, and as many elsewhere).
    """

    def __init__(self, counters: Counters, known: Iterable[Listener] = ()) -> None:
        self._counters = counters
        self._here, self._elsewhere = _Ends(()), _Ends(())
        self.changes = 0
        """How often listeners became known, or were forgotten."""
        self.add(known)

    def __contains__(self, end: object) -> bool:
        return end in self._here or end in self._elsewhere

    def __len__(self) -> int:
        return len(self._here.known)

    def __iter__(self) -> Iterator[Listener]:
        return iter(sorted(self._here.known))

    def add(self, listeners: Iterable[Listener]) -> bool:
        """Add listeners; whether one of them was new. What every address of its port stands for is known already."""
        new = sorted({one for one in map(_canonical, listeners) if one not in self._here})
        fitting = self._first(new, _MOST - len(self))
        if fitting:
            self._here = _Ends(self._here.known | fitting)
            self.changes += 1
        return bool(fitting)

    def set_elsewhere(self, listeners: Iterable[Listener]) -> None:
        """The listeners of all nodes, instead of those that were known so far; what is a listener here stays one."""
        told = {_canonical(one) for one in listeners}
        if told != self._elsewhere.known:
            self._elsewhere = _Ends(self._first(sorted(told), _MOST))
            self.changes += 1

    def learn(self, lines: IngressBatch) -> bool:
        """Add the proxy's own ends that lines name; whether one was new. A line without its own end teaches nothing."""
        rows = np.flatnonzero((lines.reject == 0) & (lines.dest_port > 0))
        columns = [column[rows] for column in (lines.dest_hi, lines.dest_lo, lines.dest_port)]
        order, begin = grouped(columns)
        ends = (Listener(*key) for key in zip(*(column[order[begin]].tolist() for column in columns), strict=True))
        # A wildcard is for settings: no socket has accepted a connection on 0.0.0.0.
        return self.add(end for end in ends if end[:2] not in _ANY)

    def keep(self, batch: ConnectionBatch) -> ConnectionBatch:
        """The rows of our listeners; the others are counted."""
        ours = self.listened(batch)
        self._counters.add("not_a_listener", len(batch) - int(np.count_nonzero(ours)))
        return batch if ours.all() else batch.take(ours)

    def listened(self, batch: ConnectionBatch) -> NDArray[np.bool_]:
        """Whether each row belongs to a listener, here or elsewhere."""
        return self._here.listened(batch) | self._elsewhere.listened(batch)

    def passing(self, batch: ConnectionBatch) -> NDArray[np.bool_]:
        """Whether each row belongs to a listener that is only elsewhere: its packets pass this node. A socket is here."""
        there = self._elsewhere.listened(batch)
        return there & ~self._here.listened(batch) & (batch.witness != Witnessed.SOCKET) if there.any() else there

    def _first(self, new: Sequence[Listener], room: int) -> set[Listener]:
        self._counters.add("listeners_refused", max(0, len(new) - room))
        return set(new[:room])


class _Ends:
    """Canonical listeners as a set, and as columns to look for in a batch."""

    def __init__(self, known: Iterable[Listener]) -> None:
        self.known = frozenset(known)
        exact = [one for one in self.known if one[:2] != NONE]
        hi, lo, port = np.array(exact, "u8").reshape(-1, 3).T
        self._exact = _keys(hi, lo, port)
        self._any_address = np.array([one.port for one in self.known if one[:2] == NONE], "u2")

    def __contains__(self, end: object) -> bool:
        return end in self.known or (isinstance(end, tuple) and (*NONE, end[-1]) in self.known)

    def listened(self, batch: ConnectionBatch) -> NDArray[np.bool_]:
        """Whether the replies of each row come from one of them."""
        if not self.known:
            return np.zeros(len(batch), "?")
        exact = np.isin(_keys(batch.reply_src_hi, batch.reply_src_lo, batch.reply_sport), self._exact)
        return exact | np.isin(batch.reply_sport, self._any_address)


def _canonical(one: Listener) -> Listener:
    return Listener(*NONE, one.port) if one[:2] in _ANY else one


def _keys(hi: Array, lo: Array, port: Array) -> Array:
    keys = np.empty(len(hi), _KEY)
    keys["hi"], keys["lo"], keys["port"] = hi, lo, port
    return keys.view(_WHOLE)
