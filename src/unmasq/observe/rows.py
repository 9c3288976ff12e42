"""Rows of connections on their way from messages to a ConnectionBatch. Pure."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from unmasq.model.connection import ConnectionBatch, ConnectionEvent, Witnessed
from unmasq.observe import netlink
from unmasq.observe.netlink import Malformed, Message

Row: TypeAlias = tuple[int, ...]
"""The values of one ConnectionBatch row in the order of its columns, without those that all rows of a batch share."""

_SHARED = ("witness", "after_us")


class Parsed(NamedTuple):
    """What a datagram held: rows, how many entries of no listener of ours, how many malformed messages."""

    rows: list[Row]
    foreign: int
    malformed: int


def gathered(
    datagram: bytes, event_of: Callable[[Message], ConnectionEvent | None], row_of: Callable[[bytes, ConnectionEvent], Row | None]
) -> Parsed:
    """The rows of a datagram's messages. Never raises.

    A message without an event is passed over; an entry without a row is none of ours; one that raises Malformed is
    counted and its neighbours are read all the same.
    """
    rows: list[Row] = []
    foreign = malformed = 0
    try:
        for message in netlink.messages(datagram):
            event = event_of(message)
            if event is None:
                continue
            try:
                row = row_of(message.payload, event)
            except Malformed:
                malformed += 1
                continue
            if row is None:
                foreign += 1
            else:
                rows.append(row)
    except Malformed:
        malformed += 1
    return Parsed(rows, foreign, malformed)


def as_batch(rows: Sequence[Row], witness: Witnessed) -> ConnectionBatch:
    """The rows as columns."""
    if not rows:
        return ConnectionBatch.empty()
    names = [name for name in ConnectionBatch.dtypes() if name not in _SHARED]
    types = ConnectionBatch.dtypes()
    columns = {name: np.array(values, types[name]) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
    return ConnectionBatch.filled(len(rows), witness=int(witness), **columns)
