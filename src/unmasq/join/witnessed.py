"""What the kernel knows of flows: their connections' tuples, times and counts, by column."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unmasq.join.connections import COUNTS, TUPLE, Connections, tuples
from unmasq.join.keys import UNKNOWN, numbered
from unmasq.join.shares import Shares
from unmasq.model.columns import Array
from unmasq.model.connection import Witnessed
from unmasq.model.flowbatch import Flag, FlowColumns, Join
from unmasq.model.groups import grouped, mixed

_SOURCE, _ORIGINAL_SOURCE = TUPLE[1:4], ("orig_source_hi", "orig_source_lo", "orig_source_port")
_ADDRESSED = ("orig_dest_hi", "orig_dest_lo", "orig_dest_port")


def with_connections(flows: FlowColumns, serials: Array, parts: Shares, connections: Connections) -> tuple[FlowColumns, Shares]:
    """The flows with what the kernel knows of their connections; and the parts that no flow of lines has."""
    rows = np.flatnonzero(serials)
    known, alone = _met(serials[rows], flows.interval_start_us[rows], parts)
    columns = {name: column.copy() for name, column in flows.as_dict().items()}
    told = _kernel_columns(known, connections)
    for name, values in (told | {"flags": told["flags"] | columns["flags"][rows]}).items():
        columns[name][rows] = values
    return FlowColumns(**columns), parts.take(alone)


def _met(serials: Array, intervals_us: Array, parts: Shares) -> tuple[Shares, NDArray[np.bool_]]:
    """The part of each (connection, interval), unknown where there is none; and which parts are of none of these."""
    both = np.concatenate([serials, parts.serial]), np.concatenate([intervals_us, parts.interval_us])
    number = numbered(*grouped(both))
    place = np.full(len(number), -1)
    place[number[len(serials) :]] = np.arange(len(parts))
    part_of = place[number[: len(serials)]]
    known = Shares.filled(len(serials), serial=serials, interval_us=intervals_us)
    counts = {name: np.append(getattr(parts, name), UNKNOWN)[part_of] for name in COUNTS}
    alone = np.ones(len(parts), "?")
    alone[part_of[part_of >= 0]] = False
    return replace(known, **counts), alone


def flows_of_parts(parts: Shares, connections: Connections, interval_us: int) -> FlowColumns:
    """Flows of connections without a line in their interval."""
    columns = _kernel_columns(parts, connections)
    start, end = parts.interval_us, parts.interval_us + interval_us
    last = np.where(columns["closed_us"] > 0, np.minimum(columns["closed_us"], end), end)
    first = np.minimum(np.maximum(columns["opened_us"], start), last)
    return FlowColumns.filled(len(parts), **columns, interval_start_us=start, interval_end_us=end, first_us=first, last_us=last)


def _kernel_columns(parts: Shares, connections: Connections) -> dict[str, Array]:
    """What the kernel's records say of flows, by column."""
    known = connections.take(connections.rows_of(parts.serial))
    source, original = tuples(known, _SOURCE), tuples(known, _ORIGINAL_SOURCE)
    translated = np.any([one != other for one, other in zip(source, original, strict=True)], axis=0)
    return (
        dict(zip(TUPLE, tuples(known), strict=True))
        | {name: getattr(parts, name) for name in COUNTS}
        | dict(zip(("nat_hi", "nat_lo", "nat_port"), (column * translated for column in original), strict=True))
        | dict(zip(_ADDRESSED, tuples(known, _ADDRESSED), strict=True))
        | {"conntrack_id": known.id, "opened_us": known.start_us, "closed_us": known.end_us}
        | {"flags": np.where(known.counts_of == Witnessed.SOCKET, int(Flag.APPLICATION_BYTES), 0).astype("u2")}
        | {"join": _join(known, translated), "connection": mixed([*tuples(known), known.start_us])}
    )


def _join(known: Connections, translated: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How lines and connection were brought together. Of a partial join, `nat_source_ip` tells whether the source was translated."""
    of_whole = np.where(translated, int(Join.NAT), int(Join.EXACT))
    joined = np.where(known.is_partial, int(Join.PARTIAL), of_whole)
    return np.where(known.requests == 0, int(Join.UNLOGGED), joined)
