"""What left the waiting room, judged and put into the shape of the flow log's columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unmasq.base.clock import DAY_US
from unmasq.join.aggregate import Aggregated, aggregate
from unmasq.join.bounds import bounded
from unmasq.join.lines import JoinedLines
from unmasq.join.window import Closed
from unmasq.model.address import Range
from unmasq.model.columns import Array
from unmasq.model.flowbatch import AddressColumns, ChainColumns, Flag, FlowBatch, FlowColumns, Join, Rejected
from unmasq.model.ingress import TEXTS
from unmasq.model.vocabulary import Vocabulary
from unmasq.node.covered import Files, covered
from unmasq.node.identity import flow_ids
from unmasq.unwind.again import marked
from unmasq.unwind.claims import claims_of
from unmasq.unwind.judge import judge, starts
from unmasq.unwind.roles import address_rows, count_originals, with_many_claims
from unmasq.unwind.trust import NOBODY, TrustList

MOST_CHAINS = 10_000
"""Distinct chains that a flow keeps one by one; the rest are summed."""


@dataclass(frozen=True)
class Surroundings:
    """What a node knows beside lines and connections."""

    node: str
    trust: TrustList
    node_ranges: Sequence[Range] = ()
    """Addresses of nodes: a source among them was translated, unless this very node opened the connection."""
    own: frozenset[tuple[int, int]] = frozenset()
    """Addresses of the witnessed namespace itself: the kernel lets nobody outside use them as a source."""


def flow_batch(
    closed: Closed,
    vocabulary: Vocabulary,
    files: Files,
    samples: Mapping[int, str],
    around: Surroundings,
    interval_us: int,
    *,
    provisional: bool = False,
) -> FlowBatch:
    """The flows of closed lines and connections, with the lines that they contain.

    While `provisional`, a line still waits for its connection, and what a trusted source forwards is not believed yet.
    """
    gathered = aggregate(closed, interval_us)
    header_texts, other_texts, gathered = _own_texts(gathered, vocabulary)
    claims = claims_of(header_texts)
    flows = _marked(gathered.flows, around)
    chains = judge(flows, with_many_claims(gathered.chains, claims), claims, around.trust)
    if provisional:
        chains = _withheld(flows, chains, around.trust)
    addresses = address_rows(flows, chains, claims)
    originals = count_originals(len(flows), addresses)
    gathered, moved = bounded(replace(gathered, chains=chains), MOST_CHAINS)
    flows = _completed(flows, gathered.chains, originals, around.trust.version)
    named, lines = files.named(covered(closed, gathered.line_flow, flows, files))
    return FlowBatch(
        node=around.node,
        flows=flows,
        chains=gathered.chains,
        asked=gathered.asked,
        addresses=_moved(addresses, moved),
        texts=header_texts + other_texts,
        files=named,
        lines=lines,
        rejected=_rejected(closed, samples),
    )


def _own_texts(gathered: Aggregated, vocabulary: Vocabulary) -> tuple[list[str], list[str], Aggregated]:
    """The header texts and the other texts that these flows use; header texts are numbered first."""
    flows, chains, asked = gathered.flows, gathered.chains, gathered.asked
    headers = _used([np.zeros(1, "i8"), chains.headers], len(vocabulary))
    others = _used([flows.pod, *(getattr(asked, name) for name in TEXTS)], len(vocabulary))
    place = np.zeros(len(vocabulary), "i8")
    place[headers] = np.arange(len(headers))
    chains = replace(chains, headers=place[chains.headers])
    place[others] = np.arange(len(headers), len(headers) + len(others))
    asked = replace(asked, **{name: place[getattr(asked, name)] for name in TEXTS})
    gathered = replace(gathered, flows=replace(flows, pod=place[flows.pod]), chains=chains, asked=asked)
    return vocabulary.texts(headers.tolist()), vocabulary.texts(others.tolist()), gathered


def _used(columns: Sequence[Array], most: int) -> NDArray[np.int64]:
    """The distinct numbers of some columns, all below `most`, sorted. To mark them costs less than to sort each column."""
    is_used = np.zeros(most, "?")
    for column in columns:
        is_used[column] = True
    return np.flatnonzero(is_used)


def _marked(flows: FlowColumns, around: Surroundings) -> FlowColumns:
    """The flows with the flag of those that another machine translated: their observed end is a node's own address.

    Not so where the kernel saw a process of this very node open the connection: it lets nobody else use its addresses.
    A socket proves nothing of the kind, since it does not know of translations.
    """
    hi, lo = starts(flows)
    own = np.array([pair in around.own for pair in zip(hi.tolist(), lo.tolist(), strict=True)], "?")
    tracked = (flows.flags & Flag.APPLICATION_BYTES) == 0
    opened_here = own & tracked & np.isin(flows.join, (Join.EXACT, Join.UNLOGGED))
    return marked(flows, around.node_ranges, opened_here)


def _withheld(flows: FlowColumns, chains: ChainColumns, trust: TrustList) -> ChainColumns:
    """Chains without the clients that a source named whose connection nobody has seen yet."""
    unseen = (flows.join == Join.UNWITNESSED) & (trust.headers_of(flows.source_hi, flows.source_lo) != NOBODY)
    rows = unseen[chains.flow]
    return replace(
        chains,
        client_hi=np.where(rows, 0, chains.client_hi),
        client_lo=np.where(rows, 0, chains.client_lo),
        evidence=np.where(rows, 0, chains.evidence).astype("u1"),
        flags=np.where(rows, chains.flags | Flag.OBSCURED, chains.flags).astype("u2"),
    )


def _completed(flows: FlowColumns, chains: ChainColumns, originals: Array, trust_version: int) -> FlowColumns:
    """The flows with their ids, and with what their chains add up to."""
    flags = flows.flags.copy()
    np.bitwise_or.at(flags, chains.flow, chains.flags)
    id_hi, id_lo = flow_ids(flows.interval_start_us)
    versions = np.full(len(flows), trust_version, "u4")
    started = (flows.opened_us >= flows.interval_start_us) & (flows.opened_us < flows.interval_end_us)
    ended = (flows.closed_us >= flows.interval_start_us) & (flows.closed_us < flows.interval_end_us)
    return replace(
        flows,
        id_hi=id_hi,
        id_lo=id_lo,
        flags=flags,
        originals=originals,
        trust_version=versions,
        started=started.astype("u1"),
        completed=ended.astype("u1"),
    )


def _moved(addresses: AddressColumns, moved: Array) -> AddressColumns:
    """The address rows, pointing to the chains as they are kept."""
    of_chain = addresses.chain >= 0
    chain = addresses.chain.copy()
    chain[of_chain] = moved[chain[of_chain]]
    return replace(addresses, chain=chain)


def _rejected(closed: Closed, samples: Mapping[int, str]) -> list[Rejected]:
    both = JoinedLines.concat([lines.take(lines.reject > 0) for lines in (closed.lines, closed.dropped)])
    keys, counts = np.unique(np.stack([both.time_us // DAY_US, both.reject.astype("i8")]), axis=1, return_counts=True)
    found = zip(keys.T.tolist(), counts.tolist(), strict=True)
    return [Rejected(day, reason, count, samples.get(reason, "")) for (day, reason), count in found]
