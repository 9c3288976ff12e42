"""Which addresses play which role in a chain: the rows of the address index, and the old fields of Calico."""

import numpy as np
from numpy.typing import NDArray

from unmasq.model.columns import Array
from unmasq.model.flowbatch import AddressColumns, ChainColumns, FlowColumns, Role
from unmasq.model.groups import grouped
from unmasq.unwind.claims import KINDS, Claims

_LOGGED = KINDS.index("logged")
_REAL_IP = KINDS.index("x-real-ip")
_FORWARDED_FOR = KINDS.index("x-forwarded-for")


def address_rows(flows: FlowColumns, chains: ChainColumns, claims: Claims) -> AddressColumns:
    """Every address of every chain and flow in each of its roles, once a (chain, role).

    `chains.headers` are rows of the texts that `claims` was read from.
    """
    return AddressColumns.concat([
        client_rows(chains),
        _claim_rows(chains, claims),
        _of_chains(chains, *original_sources(chains, claims), Role.ORIGINAL_SOURCE),
        _of_flows(flows, flows.source_hi, flows.source_lo, Role.SOURCE),
        _of_flows(flows, flows.nat_hi, flows.nat_lo, Role.NAT_SOURCE),
    ])  # fmt: skip


def client_rows(chains: ChainColumns) -> AddressColumns:
    """The rows of the role that a trust list decides."""
    return _of_chains(chains, chains.client_hi, chains.client_lo, Role.CLIENT)


def original_sources(chains: ChainColumns, claims: Claims) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """For each chain the address of Calico's rule: X-Real-IP if it is an address, else the left-most of X-Forwarded-For."""
    real = _first_of(claims, chains.headers, _REAL_IP)
    left = _first_of(claims, chains.headers, _FORWARDED_FOR)
    known = (real[0] | real[1]) > 0
    return np.where(known, real[0], left[0]), np.where(known, real[1], left[1])


def count_originals(flows: int, rows: AddressColumns) -> NDArray[np.uint32]:
    """For each of `flows` flows the exact number of distinct original sources among its index rows."""
    rows = rows.take(rows.role == Role.ORIGINAL_SOURCE)
    order, begin = grouped([rows.flow, rows.hi, rows.lo])
    return np.bincount(rows.flow[order[begin]], minlength=flows).astype("u4")


def _first_of(claims: Claims, texts: Array, kind: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    present = claims.count[texts, kind] > 0
    at = claims.first[texts[present], kind]
    hi, lo = np.zeros((2, len(texts)), "u8")
    hi[present], lo[present] = claims.hi[at], claims.lo[at]
    return hi, lo


def _claim_rows(chains: ChainColumns, claims: Claims) -> AddressColumns:
    total = np.bincount(claims.text, minlength=len(claims.first)).astype("i8")
    begin = np.concatenate([np.zeros(1, "i8"), np.cumsum(total)])[:-1]
    counts = total[chains.headers]
    chain = np.repeat(np.arange(len(chains)), counts)
    within = np.arange(len(chain)) - np.repeat(np.cumsum(counts) - counts, counts)
    element = begin[chains.headers][chain] + within
    wanted = claims.kind[element] != _LOGGED
    chain, element = chain[wanted], element[wanted]
    hi, lo = claims.hi[element], claims.lo[element]
    order, begin = grouped([chain, hi, lo])
    first = order[begin]
    return _rows(chains.take(chain[first]), chains.flow[chain[first]], chain[first], hi[first], lo[first], Role.CLAIM)


def _of_chains(chains: ChainColumns, hi: Array, lo: Array, role: Role) -> AddressColumns:
    return _rows(chains, chains.flow, np.arange(len(chains)), hi, lo, role)


def _of_flows(flows: FlowColumns, hi: Array, lo: Array, role: Role) -> AddressColumns:
    return _rows(flows, np.arange(len(flows)), np.full(len(flows), -1), hi, lo, role)


def _rows(of: ChainColumns | FlowColumns, flow: Array, chain: Array, hi: Array, lo: Array, role: Role) -> AddressColumns:
    rows = AddressColumns.filled(
        len(hi), hi=hi, lo=lo, role=int(role), flow=flow, chain=chain, first_us=of.first_us, last_us=of.last_us, requests=of.requests
    )
    return rows.take((hi | lo) > 0)
