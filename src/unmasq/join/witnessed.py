"""What the kernel knows of flows: their connections' tuples, times and counts, by column."""

from collections.abc import Mapping, Sequence

import numpy as np

from unmasq.join.keys import UNKNOWN
from unmasq.join.parts import Part
from unmasq.join.table import Connection
from unmasq.model.columns import Array
from unmasq.model.flowbatch import FlowColumns, Join
from unmasq.model.groups import mixed

_ENDS = ("protocol", "source_hi", "source_lo", "source_port", "dest_hi", "dest_lo", "dest_port")
_COUNTS = ("bytes_in", "bytes_out", "packets_in", "packets_out")


def with_connections(
    flows: FlowColumns, serials: Array, parts: Sequence[Part], connections: Mapping[int, Connection]
) -> tuple[FlowColumns, list[Part]]:
    """The flows with what the kernel knows of their connections; and the parts that no flow of lines has."""
    left = {(part.connection.serial, part.interval_us): part for part in parts}
    rows = np.flatnonzero(serials)
    keys = zip(serials[rows].tolist(), flows.interval_start_us[rows].tolist(), strict=True)
    known = [left.pop(key) if key in left else Part(connections[key[0]], key[1], None) for key in keys]
    columns = {name: column.copy() for name, column in flows.as_dict().items()}
    for name, values in _kernel_columns(known).items():
        columns[name][rows] = values
    return FlowColumns(**columns), list(left.values())


def flows_of_parts(parts: Sequence[Part], interval_us: int) -> FlowColumns:
    """Flows of connections without a line in their interval."""
    columns = _kernel_columns(parts)
    start = np.array([part.interval_us for part in parts], "i8")
    end = start + interval_us
    last = np.where(columns["closed_us"] > 0, np.minimum(columns["closed_us"], end), end)
    first = np.minimum(np.maximum(columns["opened_us"], start), last)
    return FlowColumns.filled(len(parts), **columns, interval_start_us=start, interval_end_us=end, first_us=first, last_us=last)


def _kernel_columns(parts: Sequence[Part]) -> dict[str, Array]:
    """What the kernel's records say of flows, by column."""
    connections = [part.connection for part in parts]
    ends = np.array([c.key for c in connections], "u8").reshape(-1, 7).T
    original = np.array([c.original for c in connections], "u8").reshape(-1, 7).T
    counts = np.array([part.counts or (UNKNOWN,) * 4 for part in parts], "i8").reshape(-1, 4).T
    facts = np.array([(c.id, c.start_us, c.end_us, c.requests) for c in connections], "i8").reshape(-1, 4).T
    translated = (ends[1:4] != original[1:4]).any(axis=0)
    join = np.where(facts[3] == 0, int(Join.UNLOGGED), np.where(translated, int(Join.NAT), int(Join.EXACT)))
    source = original[1:4] * translated
    return (
        dict(zip(_ENDS, ends, strict=True))
        | dict(zip(_COUNTS, counts, strict=True))
        | dict(zip(("nat_hi", "nat_lo", "nat_port"), source, strict=True))
        | dict(zip(("orig_dest_hi", "orig_dest_lo", "orig_dest_port"), original[4:], strict=True))
        | dict(zip(("conntrack_id", "opened_us", "closed_us"), facts[:3], strict=True))
        | {"join": join, "connection": mixed([*ends, facts[1]])}
    )
