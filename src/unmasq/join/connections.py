"""Connections as the waiting room knows them: columns that grow at the end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmasq.model.columns import Array, Columns, column

TUPLE = ("protocol", "source_hi", "source_lo", "source_port", "dest_hi", "dest_lo", "dest_port")
"""What the proxy's socket saw: the reversed reply tuple of the conntrack entry, in every NAT case."""

SOURCE = TUPLE[:4]
"""What of it a line names that lacks the proxy's own end."""

ORIGINAL = ("protocol", "orig_source_hi", "orig_source_lo", "orig_source_port", "orig_dest_hi", "orig_dest_lo", "orig_dest_port")
SEEN_AS = ("protocol", "reply_dst_hi", "reply_dst_lo", "reply_dport", "reply_src_hi", "reply_src_lo", "reply_sport")
"""TUPLE in a ConnectionBatch."""

SENT_AS = ("protocol", "orig_src_hi", "orig_src_lo", "orig_sport", "orig_dst_hi", "orig_dst_lo", "orig_dport")
"""ORIGINAL in a ConnectionBatch."""

COUNTS = ("bytes_in", "bytes_out", "packets_in", "packets_out")


@dataclass(frozen=True, slots=True)
class Connections(Columns):
    """One row a connection, in the order of their serials. Counts are totals to and from the proxy, -1 while unknown."""

    serial: Array = column("i8")
    witnesses: Array = column("u1")  # bits of Witnessed: who has seen it
    counts_of: Array = column("u1")  # Witnessed: whose counts these are
    id: Array = column("u4")  # the kernel's: of conntrack's entry where there is one, else of the socket
    socket_id: Array = column("u4")
    protocol: Array = column("u1")
    source_hi: Array = column("u8")
    source_lo: Array = column("u8")
    source_port: Array = column("u2")
    dest_hi: Array = column("u8")
    dest_lo: Array = column("u8")
    dest_port: Array = column("u2")
    orig_source_hi: Array = column("u8")
    orig_source_lo: Array = column("u8")
    orig_source_port: Array = column("u2")
    orig_dest_hi: Array = column("u8")
    orig_dest_lo: Array = column("u8")
    orig_dest_port: Array = column("u2")
    start_us: Array = column("i8")  # the kernel's time stamp, or when it was first seen
    earliest_us: Array = column("i8")  # it cannot have begun before that: `start_us` where the kernel stamps it; 0: not known
    seen_us: Array = column("i8")
    end_us: Array = column("i8")  # 0: open
    bytes_in: Array = column("i8")
    bytes_out: Array = column("i8")
    packets_in: Array = column("i8")
    packets_out: Array = column("i8")
    counted_us: Array = column("i8")  # when the counts were true
    requests: Array = column("i8")  # lines that joined it
    is_partial: Array = column("?")  # one of them at least does not name the proxy's own end
    held: Array = column("i8")  # how many of them are still in the room: it is not forgotten before they have left
    closed_us: Array = column("i8")  # start of the newest interval that was handed on, -1: none
    absent: Array = column("u1")  # how many whole dumps in a row did not show it
    is_listed: Array = column("?")  # conntrack has an entry of it, which outlives its end
    is_inherited: Array = column(
        "?"
    )  # began, or may have begun, before anybody watched: its earlier lines and bytes belong to whoever watched then
    is_gone: Array = column("?")  # forgotten; the row is used again later

    def rows_of(self, serials: Array) -> NDArray[np.int64]:
        """The rows of serials that are all there.

        Mostly no serial is missing between one and the newest, which says its row without a search.
        """
        if not len(serials):
            return np.zeros(0, "i8")
        rows: NDArray[np.int64] = np.maximum(serials - (self.serial[-1] - len(self) + 1), 0)
        others = np.flatnonzero(self.serial[rows] != serials)
        rows[others] = np.searchsorted(self.serial, serials[others])
        return rows


class Growing:
    """Connections with room for more: adding a row does not copy all others."""

    def __init__(self) -> None:
        self._room = Connections.filled(1024)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    @property
    def rows(self) -> Connections:
        """All rows, to be read and changed in place."""
        return Connections(**{name: values[: self._used] for name, values in self._room.as_dict().items()})

    def add(self, more: Connections) -> None:
        """Append rows; first those that are gone make room."""
        if self._used + len(more) > len(self._room):
            self._make_room(len(more))
        for name, values in more.as_dict().items():
            getattr(self._room, name)[self._used : self._used + len(more)] = values
        self._used += len(more)

    def _make_room(self, count: int) -> None:
        """Column by column, each let go once its next one is there: all at once would take as much memory again."""
        columns, used, kept = self._room.as_dict(), self._used, ~self.rows.is_gone
        self._used = int(kept.sum())
        size = max((self._used + count) * 5 // 4, len(self._room))
        self._room = Connections.empty()
        for name in columns:
            grown = np.zeros(size, columns[name].dtype)
            grown[: self._used] = columns[name][:used][kept]
            columns[name] = grown
        self._room = Connections(**columns)


def tuples(of: Columns, names: Sequence[str] = TUPLE) -> list[Array]:
    """The columns of a tuple, of lines, flows or connections."""
    return [getattr(of, name) for name in names]
