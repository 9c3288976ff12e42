"""Lines and connections to flows: one row a connection and interval, one a distinct set of headers in it.

Vectorised throughout: a flood of requests costs array operations, not objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmasq.join.keys import grouped, mixed, numbered
from unmasq.join.lines import JoinedLines
from unmasq.join.table import Connection
from unmasq.join.window import Closed, Part
from unmasq.model.columns import Array
from unmasq.model.flowbatch import ChainColumns, Detail, DetailColumns, FlowColumns, Join

DETAILS = {
    Detail.METHOD: "method",
    Detail.HOST: "host",
    Detail.PATH: "path",
    Detail.STATUS: "status",
    Detail.USER_AGENT: "user_agent",
    Detail.UPSTREAM: "upstream",
    Detail.SERVICE: "service",
}
_UNKNOWN = -1


@dataclass(frozen=True)
class Aggregated:
    """Flows with their chains and details. `chains.headers` and `details.text` are numbers of the reader's vocabulary."""

    flows: FlowColumns
    chains: ChainColumns
    details: DetailColumns
    line_flow: NDArray[np.int64]
    """For each line the row of its flow."""


def aggregate(closed: Closed, connections: dict[int, Connection], interval_us: int, seed: int = 0) -> Aggregated:
    """The flows of what a window gave. `connections` are those that its lines and parts name."""
    lines = closed.lines
    order, begin = grouped(_flow_key(lines), seed)
    line_flow = numbered(order, begin)
    flows = _flows_of_lines(lines, order, begin, interval_us)
    flows, bare = _with_connections(flows, lines.connection[order[begin]], closed.parts, connections)
    chains, line_chain = _chains(lines, line_flow)
    details = _details(lines, line_chain)
    alone = _flows_of_parts(bare, interval_us)
    unlogged = np.flatnonzero(alone.join == Join.UNLOGGED)
    silent = alone.take(unlogged)
    return Aggregated(
        FlowColumns.concat([flows, alone]),
        ChainColumns.concat([
            chains,
            ChainColumns.filled(
                len(silent), flow=len(flows) + unlogged, bytes_in=_UNKNOWN, bytes_out=_UNKNOWN, first_us=silent.first_us, last_us=silent.last_us
            ),
        ]),
        details,
        line_flow,
    )  # fmt: skip


def _flow_key(lines: JoinedLines) -> list[Array]:
    """A witnessed line belongs to its connection; any other to its tuple, or to the address that an unmarked line names."""
    witnessed = lines.connection > 0
    nameless = ~witnessed & ((lines.source_hi | lines.source_lo) == 0)
    tuple_columns = (lines.protocol, lines.source_hi, lines.source_lo, lines.source_port, lines.dest_hi, lines.dest_lo, lines.dest_port)
    return [
        lines.connection,
        lines.interval_us,
        *(np.where(witnessed, 0, column) for column in tuple_columns),
        np.where(nameless, lines.headers, 0),
    ]


def _flows_of_lines(lines: JoinedLines, order: Array, begin: Array, interval_us: int) -> FlowColumns:
    first = order[begin]
    kept = {name: getattr(lines, name)[first] for name in (
        "protocol", "source_hi", "source_lo", "source_port", "dest_hi", "dest_lo", "dest_port",
    )}  # fmt: skip
    connection = mixed(
        [
            kept["protocol"],
            kept["source_hi"],
            kept["source_lo"],
            kept["source_port"],
            kept["dest_lo"],
            kept["dest_port"],
            _flow_key(lines)[-1][first],
        ]
    )
    return FlowColumns.filled(
        len(begin), **kept, connection=connection, interval_start_us=lines.interval_us[first], interval_end_us=lines.interval_us[first] + interval_us,
        first_us=reduced(np.minimum, lines.time_us, order, begin), last_us=reduced(np.maximum, lines.time_us, order, begin),
        flags=reduced(np.bitwise_or, lines.flags, order, begin), time_source=reduced(np.maximum, lines.time_source, order, begin),
        join=int(Join.UNWITNESSED), requests=np.diff(np.append(begin, len(order))), bytes_in=_UNKNOWN, bytes_out=_UNKNOWN, packets_in=_UNKNOWN, packets_out=_UNKNOWN,
    )  # fmt: skip


def reduced(how: np.ufunc, values: Array, order: Array, begin: Array) -> Array:
    """One value a group of `unmasq.join.keys.grouped`."""
    return how.reduceat(values[order], begin) if len(begin) else values[:0]


def _with_connections(
    flows: FlowColumns, serials: Array, parts: Sequence[Part], connections: dict[int, Connection]
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


def _flows_of_parts(parts: Sequence[Part], interval_us: int) -> FlowColumns:
    """Flows of connections without a line in their interval."""
    rows = [_kernel_columns(part) | _bare_columns(part, interval_us) for part in parts]
    return (
        FlowColumns.filled(len(rows), **{name: np.array([row[name] for row in rows]) for name in rows[0]}) if rows else FlowColumns.empty()
    )


def _kernel_columns(part: Part) -> dict[str, int]:
    """What the kernel's record says of a flow, by column."""
    c, (_, *source), (_, *nat) = part.connection, part.connection.key, part.connection.original
    translated = c.is_translated
    bytes_in, bytes_out, packets_in, packets_out = part.counts or (_UNKNOWN,) * 4
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


def _chains(lines: JoinedLines, line_flow: Array) -> tuple[ChainColumns, NDArray[np.int64]]:
    order, begin = grouped([line_flow, lines.headers])
    first = order[begin]
    chains = ChainColumns.filled(
        len(begin), flow=line_flow[first], headers=lines.headers[first], flags=reduced(np.bitwise_or, lines.flags, order, begin),
        requests=np.diff(np.append(begin, len(order))), bytes_in=summed_known(lines.bytes_in, order, begin), bytes_out=summed_known(lines.bytes_out, order, begin),
        first_us=reduced(np.minimum, lines.time_us, order, begin), last_us=reduced(np.maximum, lines.time_us, order, begin),
    )  # fmt: skip
    return chains, numbered(order, begin)


def summed_known(values: Array, order: Array, begin: Array) -> Array:
    """Sums of the known values; unknown where none is known."""
    known = reduced(np.maximum, values, order, begin) >= 0
    return np.where(known, reduced(np.add, np.maximum(values, 0), order, begin), _UNKNOWN)


def _details(lines: JoinedLines, line_chain: Array) -> DetailColumns:
    parts = []
    for kind, name in DETAILS.items():
        text = getattr(lines, name)
        told = text > 0
        if told.any():
            order, begin = grouped([line_chain[told], text[told]])
            first = order[begin]
            parts.append(DetailColumns.filled(
                len(begin), chain=line_chain[told][first], kind=int(kind), text=text[told][first], requests=np.diff(np.append(begin, len(order)))
            ))  # fmt: skip
    return DetailColumns.concat(parts)
