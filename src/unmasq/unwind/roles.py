"""Which addresses play which role in a chain: the rows of the address index, and the old fields of Calico."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unmasq.model.columns import Array
from unmasq.model.flowbatch import AddressColumns, ChainColumns, Flag, FlowColumns, Role
from unmasq.model.groups import grouped, once
from unmasq.unwind.claims import KINDS, REPORTED_BY, Claims

NO_HEADERS = [KINDS.index("logged"), KINDS.index(REPORTED_BY)]
"""What no header says."""
MOST_AT_AN_END = 32
"""Of one header, as many addresses from its begin and as many from its end are in the index: 8 KB of a header name 500 of them."""

_REAL_IP = KINDS.index("x-real-ip")
_FORWARDED_FOR = KINDS.index("x-forwarded-for")


def address_rows(flows: FlowColumns, chains: ChainColumns, claims: Claims) -> AddressColumns:
    """Every address of every chain and flow, once a chain, with all its roles there.

    `chains.headers` are rows of the texts that `claims` was read from.
    """
    named = _named(chains, claims)
    return AddressColumns.concat([
        named,
        clients_beside(chains, named),
        _of_flows(flows, flows.source_hi, flows.source_lo, Role.SOURCE),
        nat_sources(flows),
    ])  # fmt: skip


def with_many_claims(chains: ChainColumns, claims: Claims) -> ChainColumns:
    """The chains, marked where a header names more addresses than the index holds of one."""
    many = np.any(claims.count > 2 * MOST_AT_AN_END, axis=1)[chains.headers]
    return replace(chains, flags=np.where(many, chains.flags | Flag.MANY_CLAIMS, chains.flags).astype("u2"))


def original_sources(texts: Array, claims: Claims) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """For each of these texts the address of Calico's rule: X-Real-IP if it is one, else the left-most of X-Forwarded-For."""
    real, left = _first_of(claims, texts, _REAL_IP), _first_of(claims, texts, _FORWARDED_FOR)
    known = (real[0] | real[1]) > 0
    return np.where(known, real[0], left[0]), np.where(known, real[1], left[1])


def count_originals(flows: int, rows: AddressColumns) -> NDArray[np.uint32]:
    """For each of `flows` flows the exact number of distinct original sources among its index rows."""
    is_original = (rows.roles & Role.ORIGINAL_SOURCE.bit) > 0
    flow, hi, lo = (column[is_original] for column in (rows.flow, rows.hi, rows.lo))
    order, begin = grouped([flow, hi, lo])
    return np.bincount(flow[order[begin]], minlength=flows).astype("u4")


def _first_of(claims: Claims, texts: Array, kind: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    present = claims.count[:, kind][texts] > 0
    at = claims.first[:, kind][texts[present]]
    hi, lo = np.zeros((2, len(texts)), "u8")
    hi[present], lo[present] = claims.hi[at], claims.lo[at]
    return hi, lo


def _named(chains: ChainColumns, claims: Claims) -> AddressColumns:
    """The addresses that a chain's headers name: claims, and among them its original source and mostly its client."""
    chain, element = _elements(chains, claims)
    hi, lo = claims.hi[element], claims.lo[element]
    original = original_sources(chains.headers, claims)
    is_original = (hi == original[0][chain]) & (lo == original[1][chain])
    is_client = (hi == chains.client_hi[chain]) & (lo == chains.client_lo[chain])
    roles = Role.CLAIM.bit + Role.ORIGINAL_SOURCE.bit * is_original + Role.CLIENT.bit * is_client
    rows, _ = once(chain, [hi, lo])
    return _rows(chains, chain[rows], chains.flow[chain[rows]], chain[rows], hi[rows], lo[rows], roles[rows])


def _elements(chains: ChainColumns, claims: Claims) -> tuple[Array, Array]:
    """(chain, element) of every address that a header of a chain names, chain by chain."""
    place = np.arange(len(claims.kind)) - claims.first[claims.text, claims.kind]
    is_at_an_end = (place < MOST_AT_AN_END) | (place >= claims.count[claims.text, claims.kind] - MOST_AT_AN_END)
    is_claim = is_at_an_end & ~np.isin(claims.kind, NO_HEADERS) & ((claims.hi | claims.lo) > 0)
    elements = np.flatnonzero(is_claim)
    total = np.bincount(claims.text[elements], minlength=len(claims.first))
    counts = total[chains.headers]
    chain = np.repeat(np.arange(len(chains)), counts)
    within = np.arange(len(chain)) - np.repeat(np.cumsum(counts) - counts, counts)
    return chain, elements[(np.cumsum(total) - total)[chains.headers][chain] + within]


def clients_beside(chains: ChainColumns, named: AddressColumns) -> AddressColumns:
    """The clients that are not among the rows of their chain."""
    is_named = np.zeros(len(chains), "?")
    is_named[named.chain[(named.roles & Role.CLIENT.bit) > 0]] = True
    rows = np.flatnonzero(~is_named & ((chains.client_hi | chains.client_lo) > 0))
    return _rows(chains, rows, chains.flow[rows], rows, chains.client_hi[rows], chains.client_lo[rows], Role.CLIENT.bit)


def nat_sources(flows: FlowColumns) -> AddressColumns:
    """The sources before a node translated them."""
    return _of_flows(flows, flows.nat_hi, flows.nat_lo, Role.NAT_SOURCE)


def _of_flows(flows: FlowColumns, hi: Array, lo: Array, role: Role) -> AddressColumns:
    rows = np.flatnonzero((hi | lo) > 0)
    return _rows(flows, rows, rows, np.full(len(rows), -1), hi[rows], lo[rows], role.bit)


def _rows(of: ChainColumns | FlowColumns, at: Array, flow: Array, chain: Array, hi: Array, lo: Array, roles: Array | int) -> AddressColumns:
    """Index rows with the times and requests of the chains or flows `at`."""
    told = {"first_us": of.first_us[at], "last_us": of.last_us[at], "requests": of.requests[at]}
    return AddressColumns.filled(len(hi), hi=hi, lo=lo, roles=roles, flow=flow, chain=chain, **told)
