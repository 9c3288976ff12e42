"""Lines and connections to flows: one row a connection and interval, one a distinct set of headers in it.

Vectorised throughout: a flood of requests costs array operations, not objects.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmasq.join.connections import TUPLE, tuples
from unmasq.join.keys import UNKNOWN, numbered, reduced, summed_known
from unmasq.join.lines import JoinedLines, named_alone
from unmasq.join.window import Closed
from unmasq.join.witnessed import flows_of_parts, with_connections
from unmasq.model.columns import Array
from unmasq.model.flowbatch import AskedColumns, ChainColumns, FlowColumns, Join
from unmasq.model.groups import grouped, mixed, once
from unmasq.model.ingress import TEXTS


@dataclass(frozen=True)
class Aggregated:
    """Flows with their chains and what was asked. `flows.pod`, `chains.headers` and the texts are numbers of the reader's vocabulary."""

    flows: FlowColumns
    chains: ChainColumns
    asked: AskedColumns
    line_flow: NDArray[np.int64]
    """For each line the row of its flow."""


def aggregate(closed: Closed, interval_us: int) -> Aggregated:
    """The flows of what a window gave."""
    lines = closed.lines
    order, begin = grouped(_flow_key(lines))
    line_flow = numbered(order, begin)
    flows = _flows_of_lines(lines, order, begin, interval_us)
    flows, bare = with_connections(flows, lines.connection[order[begin]], closed.parts, closed.connections)
    chains, line_chain = _chains(lines, line_flow)
    alone = flows_of_parts(bare, closed.connections, interval_us)
    return Aggregated(
        FlowColumns.concat([flows, alone]),
        ChainColumns.concat([chains, _silent_chains(alone, len(flows))]),
        _asked(lines, line_chain),
        line_flow,
    )


def _flow_key(lines: JoinedLines) -> list[Array]:
    """A witnessed line belongs to its connection; any other to its pod and tuple, or to the address that an unmarked line names.

    The others are numbered from 1: beside a witness they are few, and a short key is found sooner.
    """
    rows = np.flatnonzero(lines.connection == 0)
    place = np.zeros(len(lines), "i8")
    place[rows] = 1 + numbered(*grouped([column[rows] for column in (*tuples(lines), lines.pod, named_alone(lines))]))
    return [lines.connection, lines.interval_us, place]


def _flows_of_lines(lines: JoinedLines, order: Array, begin: Array, interval_us: int) -> FlowColumns:
    first = lines.take(order[begin])
    named = dict(zip(TUPLE, tuples(first), strict=True))
    return FlowColumns.filled(
        len(begin),
        **named,
        connection=mixed([*named.values(), named_alone(first)]),
        interval_start_us=first.interval_us,
        interval_end_us=first.interval_us + interval_us,
        first_us=reduced(np.minimum, lines.time_us, order, begin),
        last_us=reduced(np.maximum, lines.time_us, order, begin),
        flags=reduced(np.bitwise_or, lines.flags, order, begin),
        time_source=reduced(np.maximum, lines.time_source, order, begin),
        join=int(Join.UNWITNESSED),
        pod=reduced(np.maximum, lines.pod, order, begin),
        requests=np.diff(np.append(begin, len(order))),
        bytes_in=UNKNOWN,
        bytes_out=UNKNOWN,
        packets_in=UNKNOWN,
        packets_out=UNKNOWN,
    )


def _silent_chains(flows: FlowColumns, before: int) -> ChainColumns:
    """A chain without requests for each connection that no line names: who opened it was observed. `before`: flows in front of these."""
    rows = np.flatnonzero(flows.join == Join.UNLOGGED)
    silent = flows.take(rows)
    return ChainColumns.filled(
        len(rows), flow=before + rows, bytes_in=UNKNOWN, bytes_out=UNKNOWN, first_us=silent.first_us, last_us=silent.last_us
    )


def _chains(lines: JoinedLines, line_flow: Array) -> tuple[ChainColumns, NDArray[np.int64]]:
    order, begin = grouped([line_flow, lines.headers])
    first = order[begin]
    chains = ChainColumns.filled(
        len(begin),
        flow=line_flow[first],
        headers=lines.headers[first],
        flags=reduced(np.bitwise_or, lines.flags, order, begin),
        requests=np.diff(np.append(begin, len(order))),
        bytes_in=summed_known(lines.bytes_in, order, begin),
        bytes_out=summed_known(lines.bytes_out, order, begin),
        first_us=reduced(np.minimum, lines.time_us, order, begin),
        last_us=reduced(np.maximum, lines.time_us, order, begin),
    )
    return chains, numbered(order, begin)


def _asked(lines: JoinedLines, line_chain: Array) -> AskedColumns:
    rows, requests = once(line_chain, [getattr(lines, name) for name in TEXTS])
    texts = {name: getattr(lines, name)[rows] for name in TEXTS}
    return AskedColumns.filled(len(rows), chain=line_chain[rows], requests=requests, **texts)
