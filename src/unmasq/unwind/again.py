"""Judging flows again after something about them has changed: their start, or whom the user trusts."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unmasq.model.address import Range
from unmasq.model.columns import Array
from unmasq.model.flowbatch import AddressColumns, ChainColumns, Flag, FlowBatch, FlowColumns, Role
from unmasq.unwind.claims import claims_of
from unmasq.unwind.judge import DERIVED, judge, starts
from unmasq.unwind.roles import clients_beside, nat_sources
from unmasq.unwind.trust import TrustList, covered_by


def marked(flows: FlowColumns, node_ranges: Sequence[Range], opened_here: NDArray[np.bool_]) -> FlowColumns:
    """The flows with the flag of those whose observed end is a node's own address, though no process of that node opened them."""
    elsewhere = covered_by(node_ranges, *starts(flows)) & ~opened_here
    plain = flows.flags & ~np.uint16(Flag.SNAT_ELSEWHERE)
    return replace(flows, flags=np.where(elsewhere, plain | Flag.SNAT_ELSEWHERE, plain).astype("u2"))


def rejudged(batch: FlowBatch, which: NDArray[np.bool_], trust: TrustList) -> FlowBatch:
    """The batch as if `which` of its flows had been what they are now when they were judged: clients, evidence, flags, index rows.

    Chains that sum others stay as they came, and so do the flags that are facts of lines and connections.
    """
    again = judged(batch.flows, batch.chains, batch.texts, trust)
    of_which = which[batch.chains.flow]
    chains = ChainColumns(**{name: np.where(of_which, new, getattr(batch.chains, name)) for name, new in again.as_dict().items()})
    flags = np.where(which, batch.flows.flags & ~np.uint16(DERIVED & ~Flag.SNAT_ELSEWHERE), batch.flows.flags)
    np.bitwise_or.at(flags, chains.flow, chains.flags)
    versions = np.where(which, np.uint32(trust.version), batch.flows.trust_version)
    flows = replace(batch.flows, flags=flags, trust_version=versions)
    return replace(batch, flows=flows, chains=chains, addresses=_addresses(batch.addresses, flows, chains, which))


def judged(flows: FlowColumns, chains: ChainColumns, texts: Sequence[str], trust: TrustList) -> ChainColumns:
    """The chains judged; `chains.headers` are rows of `texts`, of which others need not be headers."""
    used, headers = np.unique(chains.headers, return_inverse=True)
    claims = claims_of([texts[row] for row in used.tolist()])
    return replace(judge(flows, replace(chains, headers=headers), claims, trust), headers=chains.headers)


def _addresses(rows: AddressColumns, flows: FlowColumns, chains: ChainColumns, which: NDArray[np.bool_]) -> AddressColumns:
    """The index rows with the clients and NAT sources of now."""
    of_chain = rows.chain >= 0
    chain = np.where(of_chain, rows.chain, 0)
    stays = ~which[rows.flow] | (of_chain & (_take(chains.flags & Flag.OTHERS, chain) > 0))
    is_client = of_chain & (rows.hi == _take(chains.client_hi, chain)) & (rows.lo == _take(chains.client_lo, chain))
    derived = np.uint8(Role.CLIENT.bit | Role.NAT_SOURCE.bit)
    roles = np.where(stays, rows.roles, (rows.roles & ~derived) | np.where(is_client, Role.CLIENT.bit, 0)).astype("u1")
    kept = replace(rows, roles=roles).take(roles > 0)
    beside, sources = clients_beside(chains, kept), nat_sources(flows)
    return AddressColumns.concat([kept, beside.take(which[beside.flow]), sources.take(which[sources.flow])])


def _take(values: Array, rows: NDArray[np.int64]) -> Array:
    """The values of rows, none of which is looked at where there are no values."""
    return values[rows] if len(values) else np.zeros(len(rows), values.dtype)
