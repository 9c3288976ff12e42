"""What closed flows say of the ways on which requests came, as counts: `unmasq doctor` judges them.

`requests_joined` by who saw their connection (`conntrack`, `sockets`, `nobody`), and those of nobody as `requests_missed` by the
family of their source; `sources` of connections that began, by what became of them (`preserved`, `nat`, `elsewhere`); and by
the name of a trusted proxy `trusted_requests` and, of those, `trusted_silent`: requests without the header for which it is
trusted. And what was cut: `requests_many_claims`, of whose addresses the index holds some, and `requests_others`, of whose
chains a flow keeps only the sum.
"""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from unmasq.base.telemetry import Counters
from unmasq.join.keys import numbered
from unmasq.model.columns import Array
from unmasq.model.families import by_family
from unmasq.model.flowbatch import ChainColumns, Flag, FlowBatch, FlowColumns, Join
from unmasq.model.groups import grouped
from unmasq.unwind.judge import starts
from unmasq.unwind.trust import NOBODY, TrustList


def tally(batch: FlowBatch, trust: TrustList, counters: Counters) -> None:
    """Count one batch."""
    _cut(batch.chains, counters)
    _joined(batch.flows, counters)
    _sources(batch.flows, counters)
    _silent(batch, trust, counters)


def _cut(chains: ChainColumns, counters: Counters) -> None:
    for name, flag in {"requests_many_claims": Flag.MANY_CLAIMS, "requests_others": Flag.OTHERS}.items():
        counters.add(name, int(chains.requests[(chains.flags & flag) > 0].sum()))


def _joined(flows: FlowColumns, counters: Counters) -> None:
    nobody = flows.join == Join.UNWITNESSED
    sockets = (flows.flags & Flag.APPLICATION_BYTES) > 0
    for reason, mask in {"nobody": nobody, "sockets": ~nobody & sockets, "conntrack": ~nobody & ~sockets}.items():
        counters.add("requests_joined", int(flows.requests[mask].sum()), reason)
    for family, count in by_family(flows.source_hi[nobody], flows.source_lo[nobody], flows.requests[nobody]).items():
        counters.add("requests_missed", count, family)


def _sources(flows: FlowColumns, counters: Counters) -> None:
    began = flows.started > 0
    nat = (flows.nat_hi | flows.nat_lo) > 0
    elsewhere = (flows.flags & Flag.SNAT_ELSEWHERE) > 0
    for reason, mask in {"elsewhere": elsewhere, "nat": nat & ~elsewhere, "preserved": ~nat & ~elsewhere}.items():
        counters.add("sources", int((mask & began).sum()), reason)


def _silent(batch: FlowBatch, trust: TrustList, counters: Counters) -> None:
    """Whose header is empty, the walk ends at the very proxy that opened the connection, with the flag `all_trusted`."""
    chains, (hi, lo) = batch.chains, starts(batch.flows)
    rows = np.flatnonzero((trust.headers_of(hi, lo) != NOBODY)[chains.flow])
    flow = chains.flow[rows]
    at_itself = (chains.client_hi[rows] == hi[flow]) & (chains.client_lo[rows] == lo[flow])
    silent = at_itself & ((chains.flags[rows] & Flag.ALL_TRUSTED) > 0)
    for name, mask in _by_name(hi[flow], lo[flow], trust).items():
        counters.add("trusted_requests", int(chains.requests[rows[mask]].sum()), name)
        counters.add("trusted_silent", int(chains.requests[rows[mask & silent]].sum()), name)


def _by_name(hi: Array, lo: Array, trust: TrustList) -> dict[str, NDArray[np.bool_]]:
    """Which rows are of a trusted proxy, by its name and header."""
    order, begin = grouped([hi, lo])
    number, first = numbered(order, begin), order[begin]
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for group, (one_hi, one_lo) in enumerate(zip(hi[first].tolist(), lo[first].tolist(), strict=True)):
        entry = trust.find(one_hi, one_lo)[0]
        groups[f"{entry.name} {entry.header}"].append(group)
    return {name: np.isin(number, some) for name, some in groups.items()}
