"""The walk for columns: the common case by numpy, whatever is not common by `unmasq.unwind.walk`, its twin in the tests.

Common is a chain whose trusted hops, if any, are believed for X-Forwarded-For alone, without a PROXY address or a
`Forwarded` header, of lines and not of reports, whose source the proxy's own socket saw.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from unmasq.model.address import NONE, Range
from unmasq.model.flowbatch import ChainColumns, Evidence, Flag, FlowColumns, Join
from unmasq.unwind.claims import KINDS, REPORTED_BY, SOURCE_BY, Claims
from unmasq.unwind.trust import NOBODY, TrustList, covered_by, header_bit
from unmasq.unwind.walk import KERNEL, LOGGED, PROXY, SOCKET, Headers, Verdict, walk

DERIVED = Flag.OBSCURED | Flag.ALL_TRUSTED | Flag.HEADER_CONFLICT | Flag.SNAT_ELSEWHERE
"""The chain flags that a walk decides; the others are facts of the lines."""

_XFF = KINDS.index("x-forwarded-for")
_XFF_ONLY = header_bit("x-forwarded-for")
_UNCOMMON = [KINDS.index(PROXY), KINDS.index("forwarded"), KINDS.index(REPORTED_BY), KINDS.index(SOURCE_BY)]
_LOGGED = KINDS.index(LOGGED)
_SINGLE = [KINDS.index(name) for name in ("x-real-ip", "cf-connecting-ip", "true-client-ip")]


def judge(flows: FlowColumns, chains: ChainColumns, claims: Claims, trust: TrustList) -> ChainColumns:
    """The chains with client, evidence and flags as `trust` has it; chains that sum others stay as they are.

    `chains.flow` and `chains.headers` are rows of `flows` and of the texts that `claims` was read from.
    """
    walker = _Walker(flows, chains, claims, trust)
    walker.run()
    keep = (chains.flags & Flag.OTHERS) > 0
    return replace(
        chains,
        client_hi=np.where(keep, chains.client_hi, walker.hi),
        client_lo=np.where(keep, chains.client_lo, walker.lo),
        evidence=np.where(keep, chains.evidence, walker.evidence).astype("u1"),
        flags=np.where(keep, chains.flags, (chains.flags & ~np.uint16(DERIVED)) | walker.flags).astype("u2"),
    )


def starts(flows: FlowColumns) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The observed end of each flow: the NAT source where the kernel gave one, else the source."""
    translated = (flows.nat_hi | flows.nat_lo) > 0
    return np.where(translated, flows.nat_hi, flows.source_hi), np.where(translated, flows.nat_lo, flows.source_lo)


def seen_by(join: int) -> str:
    """Who saw the observed end of a flow with this join."""
    return SOCKET if join == Join.UNWITNESSED else KERNEL


def passed(flows: FlowColumns, chains: ChainColumns, claims: Claims, trust: TrustList, ranges: Sequence[Range]) -> NDArray[np.bool_]:
    """Which chains have a client whom the walk came to by a proxy within one of the ranges; columns as in `judge`."""
    walker = _Passing(flows, chains, claims, trust, ranges)
    walker.run()
    forwarded: NDArray[np.bool_] = walker.passed & (walker.evidence == Evidence.FORWARDED)
    return forwarded


class _Walker:
    """One run over all chains; the arrays hold the verdict so far, `open` the rows still walking."""

    def __init__(self, flows: FlowColumns, chains: ChainColumns, claims: Claims, trust: TrustList) -> None:
        start_hi, start_lo = starts(flows)
        self.hi, self.lo = start_hi[chains.flow], start_lo[chains.flow]
        self.start = (self.hi.copy(), self.lo.copy())
        self.text = chains.headers
        self.snat = (flows.flags[chains.flow] & Flag.SNAT_ELSEWHERE) > 0
        self.join = flows.join[chains.flow]
        self.claims, self.trust = claims, trust
        self.evidence = np.full(len(chains), Evidence.OBSERVED, "u1")
        self.flags = np.zeros(len(chains), "u2")
        self.left = claims.count[:, _XFF][self.text]

    def run(self) -> None:
        masks = self.trust.headers_of(self.hi, self.lo)
        is_uncommon = np.any(self.claims.count[:, _UNCOMMON] > 0, axis=1)
        plain = is_uncommon[self.text] | ((self.hi | self.lo) == 0)
        plain |= (masks != NOBODY) & (masks != _XFF_ONLY)
        blocked = self.snat & ~plain
        self._end(np.flatnonzero(blocked), Flag.SNAT_ELSEWHERE)
        rows = np.flatnonzero(~plain & ~blocked & (masks != NOBODY))
        while len(rows):
            rows = self._step(rows, plain)
        self._contradictions(~plain)
        unproved = (self.join == Join.UNWITNESSED) & (self.claims.count[:, _LOGGED][self.text] > 0)
        self.evidence[unproved & (self.evidence != Evidence.NONE)] = Evidence.LOGGED
        for row in np.flatnonzero(plain).tolist():
            self._plain(row)

    def _step(self, rows: NDArray[np.int64], plain: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Take the next element of each row's header; returns the rows whose new hop is trusted as well."""
        empty = self.left[rows] == 0
        text = self.text[rows]
        lost = ~self.claims.recorded[:, _XFF][text] | (empty & self.claims.partly[:, _XFF][text])
        self.flags[rows[empty & ~lost]] = Flag.ALL_TRUSTED
        self._end(rows[lost], Flag.OBSCURED)
        rows = rows[~empty & ~lost]
        self._pass(rows)
        self.left[rows] -= 1
        at = self.claims.first[:, _XFF][self.text[rows]] + self.left[rows]
        self.hi[rows], self.lo[rows] = self.claims.hi[at], self.claims.lo[at]
        self.evidence[rows] = Evidence.FORWARDED
        nowhere = (self.hi[rows] | self.lo[rows]) == 0
        self._end(rows[nowhere], Flag.OBSCURED)
        rows = rows[~nowhere]
        masks = self.trust.headers_of(self.hi[rows], self.lo[rows])
        plain[rows[(masks != NOBODY) & (masks != _XFF_ONLY)]] = True
        trusted: NDArray[np.int64] = rows[masks == _XFF_ONLY]
        return trusted

    def _pass(self, rows: NDArray[np.int64]) -> None:
        """These rows leave a trusted hop behind."""

    def _end(self, rows: NDArray[np.int64], flag: Flag) -> None:
        """These rows have no client."""
        self.hi[rows], self.lo[rows] = NONE
        self.evidence[rows] = Evidence.NONE
        self.flags[rows] = flag

    def _contradictions(self, common: NDArray[np.bool_]) -> None:
        judged = np.flatnonzero(common & (self.evidence == Evidence.FORWARDED) & (self.flags == 0))
        for kind in _SINGLE:
            rows = judged[self.claims.count[:, kind][self.text[judged]] > 0]
            at = self.claims.first[:, kind][self.text[rows]]
            hi, lo = self.claims.hi[at], self.claims.lo[at]
            other = ((hi | lo) != 0) & ((hi != self.hi[rows]) | (lo != self.lo[rows])) & (self.trust.headers_of(hi, lo) == NOBODY)
            self.flags[rows[other]] = Flag.HEADER_CONFLICT

    def _plain(self, row: int) -> Verdict:
        start = (int(self.start[0][row]), int(self.start[1][row]))
        by, headers = seen_by(int(self.join[row])), self._headers(int(self.text[row]))
        verdict = walk(start, by, headers, self.trust, snat_elsewhere=bool(self.snat[row]))
        self.hi[row], self.lo[row] = verdict.client
        self.evidence[row], self.flags[row] = verdict.evidence, verdict.flags
        return verdict

    def _headers(self, text: int) -> Headers:
        named = {}
        for kind, name in enumerate(KINDS):
            first, count = int(self.claims.first[text, kind]), int(self.claims.count[text, kind])
            if count:
                pairs = zip(self.claims.hi[first : first + count], self.claims.lo[first : first + count], strict=True)
                named[name] = [(int(hi), int(lo)) for hi, lo in pairs]
        return Headers(named, _names(self.claims.recorded[text]), _names(self.claims.partly[text]))


class _Passing(_Walker):
    """A walk that takes down who passed a proxy of some ranges."""

    def __init__(self, flows: FlowColumns, chains: ChainColumns, claims: Claims, trust: TrustList, ranges: Sequence[Range]) -> None:
        super().__init__(flows, chains, claims, trust)
        self._ranges = ranges
        self.passed = np.zeros(len(chains), "?")

    def _pass(self, rows: NDArray[np.int64]) -> None:
        self.passed[rows] |= covered_by(self._ranges, self.hi[rows], self.lo[rows])

    def _plain(self, row: int) -> Verdict:
        verdict = super()._plain(row)
        hops = [hop.address for hop in verdict.hops[1:]]
        self.passed[row] = any(each.first <= hop <= each.last for hop in hops for each in self._ranges)
        return verdict


def _names(kinds: NDArray[np.bool_]) -> frozenset[str]:
    return frozenset(compress(KINDS, kinds.tolist()))
