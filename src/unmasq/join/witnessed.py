"""What the kernel knows of flows: their connections' tuples, times and counts, by column."""

from collections.abc import Mapping, Sequence

import numpy as np

from unmasq.join.keys import UNKNOWN, mixed
from unmasq.join.table import Connection
from unmasq.join.window import Part
from unmasq.model.columns import Array
from unmasq.model.flowbatch import FlowColumns, Join


def with_connections(
    flows: FlowColumns, serials: Array, parts: Sequence[Part], connections: Mapping[int, Connection]
) -> tuple[FlowColumns, list[Part]]:
    """The flows with what the kernel knows of their connections; and the parts that no flow of lines has."""
    left = {(part.connection.serial, part.interval_us): part for part in parts}
    columns = {name: column.copy() for name, column in flows.as_dict().items()}
    for row in np.flatnonzero(serials).tolist():
        serial, interval = int(serials[row]), int(flows.interval_start_us[row])
        part = left.pop((serial, interval), Part(connections[serial], interval, None))
        for name, value in _kernel_columns(part).items():
            columns[name][row] = value
    return FlowColumns(**columns), list(left.values())


def flows_of_parts(parts: Sequence[Part], interval_us: int) -> FlowColumns:
    """Flows of connections without a line in their interval."""
    rows = [_kernel_columns(part) | _bare_columns(part, interval_us) for part in parts]
    return (
        FlowColumns.filled(len(rows), **{name: np.array([row[name] for row in rows]) for name in rows[0]}) if rows else FlowColumns.empty()
    )


def _kernel_columns(part: Part) -> dict[str, int]:
    """What the kernel's record says of a flow, by column."""
    c, (_, *source), (_, *nat) = part.connection, part.connection.key, part.connection.original
    translated = c.is_translated
    bytes_in, bytes_out, packets_in, packets_out = part.counts or (UNKNOWN,) * 4
    return {
        "connection": int(mixed([np.array([value], "u8") for value in (*c.key, c.start_us)])[0]),
        "protocol": c.key[0], "source_hi": source[0], "source_lo": source[1], "source_port": source[2],
        "dest_hi": source[3], "dest_lo": source[4], "dest_port": source[5],
        "nat_hi": nat[0] * translated, "nat_lo": nat[1] * translated, "nat_port": nat[2] * translated,
        "orig_dest_hi": nat[3], "orig_dest_lo": nat[4], "orig_dest_port": nat[5],
        "join": Join.UNLOGGED if not c.requests else Join.NAT if translated else Join.EXACT,
        "conntrack_id": c.id, "opened_us": c.start_us, "closed_us": c.end_us,
        "bytes_in": bytes_in, "bytes_out": bytes_out, "packets_in": packets_in, "packets_out": packets_out,
    }  # fmt: skip


def _bare_columns(part: Part, interval_us: int) -> dict[str, int]:
    end_us = part.interval_us + interval_us
    last = min(part.connection.end_us or end_us, end_us)
    first = min(max(part.connection.start_us, part.interval_us), last)
    return {"interval_start_us": part.interval_us, "interval_end_us": end_us, "first_us": first, "last_us": last}
