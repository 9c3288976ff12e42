"""The fast path: where the values of a conntrack message stand, learned from one, cut out of many at once. Pure.

The kernel writes messages of one kind with the same attributes in the same places. Every byte that says what stands
where must be that of the message a template was learned from; whatever differs goes to the plain reader
(`unmasq.observe.conntrack`), whose columns this one gives (the property tests hold them together). Deleting this module
costs only speed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmasq.model.address import V4_PREFIX
from unmasq.model.columns import Array
from unmasq.model.connection import ConnectionBatch, ConnectionEvent
from unmasq.observe import conntrack
from unmasq.observe.netlink import ATTRIBUTE_BYTES, HEADER_BYTES, Malformed, Place, places

_KIND = [*range(8), HEADER_BYTES]  # length, type and flags of the message; the address family
_TUPLE = {(1, 1): "src", (1, 2): "dst", (1, 3): "src", (1, 4): "dst", (2, 1): "protocol", (2, 2): "sport", (2, 3): "dport"}
_NAMES: Mapping[tuple[int, ...], str] = {
    **{(1, *path): f"orig_{name}" for path, name in _TUPLE.items()},
    **{(2, *path): f"reply_{name}" for path, name in _TUPLE.items()},
    (9, 1): "packets_orig", (9, 2): "bytes_orig", (10, 1): "packets_reply", (10, 2): "bytes_reply",
    (12,): "id", (20, 1): "started", (20, 2): "stopped", (27,): "happened", (4, 1, 1): "state",
}  # fmt: skip
"""Types of nested attributes -> what the value is (linux/netfilter/nfnetlink_conntrack.h)."""

_NESTED = frozenset(path[:depth] for path in _NAMES for depth in range(1, len(path)))
_COUNTS = ("bytes_orig", "bytes_reply", "packets_orig", "packets_reply")
_MASKED = ("orig_protocol", "reply_protocol")  # values that say what stands where


@dataclass(frozen=True)
class Template:
    """The places of values in messages of one length and kind, as (first byte, size)."""

    event: ConnectionEvent
    fixed: NDArray[np.int64]
    expected: NDArray[np.uint8]
    values: Mapping[str, tuple[int, int]]
    signs: NDArray[np.int64]
    """First bytes of counters: one beyond 63 bits is left to the plain reader."""

    def cut(self, messages: Sequence[bytes], seen_us: int) -> tuple[ConnectionBatch, NDArray[np.bool_]]:
        """The rows of the messages that are of this layout, and which those are. All must have its length."""
        table = np.frombuffer(b"".join(messages), "u1").reshape(len(messages), -1)
        taken = (table[:, self.fixed] == self.expected).all(axis=1) & (table[:, self.signs] < 0x80).all(axis=1)
        return self._columns(table if taken.all() else table[taken], seen_us), taken

    def _columns(self, table: NDArray[np.uint8], seen_us: int) -> ConnectionBatch:
        ends = {
            f"{way}_{end}_{half}": values
            for way in ("orig", "reply")
            for end in ("src", "dst")
            for half, values in zip(("hi", "lo"), self._address(table, f"{way}_{end}"), strict=True)
        }
        ports = {f"{way}_{port}": self._number(table, f"{way}_{port}") for way in ("orig", "reply") for port in ("sport", "dport")}
        counts = {name: self._number(table, name).astype("i8") if name in self.values else -1 for name in _COUNTS}
        start, stop = self._times(table, seen_us)
        return ConnectionBatch.filled(
            len(table), event=int(self.event), id=self._number(table, "id"), protocol=self._number(table, "orig_protocol"),
            start_us=start, stop_us=stop, seen_us=seen_us, **ends, **ports, **counts,
        )  # fmt: skip

    def _number(self, table: NDArray[np.uint8], name: str) -> Array:
        first, size = self.values[name]
        numbers: Array = np.ascontiguousarray(table[:, first : first + size]).view(f">u{size}")[:, 0]
        return numbers.astype(f"u{size}")

    def _address(self, table: NDArray[np.uint8], name: str) -> tuple[Array, Array]:
        first, size = self.values[name]
        if size == 4:
            return np.zeros(len(table), "u8"), self._number(table, name) | np.uint64(V4_PREFIX)
        halves = np.ascontiguousarray(table[:, first : first + size]).view(">u8").astype("u8")
        return halves[:, 0], halves[:, 1]

    def _times(self, table: NDArray[np.uint8], seen_us: int) -> tuple[Array, Array]:
        """Start and stop, as `conntrack` has them for each kind of event."""
        start, stop, happened = (self._stamp(table, name) for name in ("started", "stopped", "happened"))
        if self.event is ConnectionEvent.NEW:
            start = np.where(start > 0, start, np.where(happened > 0, happened, seen_us))
            return start, np.zeros(len(table), "i8")
        if self.event is ConnectionEvent.DESTROY:
            return start, np.where(stop > 0, stop, seen_us)
        state = self._number(table, "state") if "state" in self.values else np.zeros(len(table), "u1")
        return start, np.where(np.isin(state, list(conntrack.ENDED)), seen_us, 0)

    def _stamp(self, table: NDArray[np.uint8], name: str) -> Array:
        return (self._number(table, name) // 1000).astype("i8") if name in self.values else np.zeros(len(table), "i8")


def learn(message: bytes) -> Template | None:
    """The template of a message; None where the plain reader would not make a TCP or UDP row of it for any listener."""
    parsed = conntrack.parse(message, 1, _ANYWHERE)
    try:
        walked = list(_walked(message, places(message, HEADER_BYTES + conntrack.FAMILY_BYTES), ()))
    except Malformed:  # in a part that the plain reader does not look into
        return None
    if not parsed.rows or not all(_fits(_NAMES[path], size) for path, (_, _, size) in walked if path in _NAMES):
        return None
    return _template(message, ConnectionEvent(parsed.rows[0][0]), walked)


def _fits(name: str, size: int) -> bool:
    """Whether a value can be cut out of many messages at once. The kernel writes no others."""
    return size in (4, 16) if name.endswith(("src", "dst")) else size in (1, 2, 4, 8)


def _template(message: bytes, event: ConnectionEvent, walked: Sequence[tuple[tuple[int, ...], Place]]) -> Template:
    found = {_NAMES[path]: (first, size) for path, (_, first, size) in walked if path in _NAMES}
    headers = [byte for _, (_, first, _) in walked for byte in range(first - ATTRIBUTE_BYTES, first)]
    fixed = np.array([*_KIND, *headers, *(found[name][0] for name in _MASKED)])
    signs = np.array([found[name][0] for name in _COUNTS if name in found], "i8")
    return Template(event, fixed, np.frombuffer(message, "u1")[fixed], found, signs)


class _Everybody:
    def __contains__(self, end: object) -> bool:
        return True


_ANYWHERE = _Everybody()


def _walked(message: bytes, level: Sequence[Place], above: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Place]]:
    """Every attribute with the types of those around it and its own, outer ones first."""
    for place in level:
        kind, first, size = place
        path = (*above, kind)
        yield path, place
        if path in _NESTED:
            yield from _walked(message, places(message, first, first + size), path)
