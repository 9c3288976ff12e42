"""The lines of one interval as the messages that Felix understands: one a five-tuple, naming addresses, counting the rest.

Which address a line names is Calico's rule (`unmasq.unwind.roles.original_sources`). A line that names none, or whose
five-tuple is not whole, is part of no message.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmasq.model.address import to_text
from unmasq.model.columns import Array, Columns, column
from unmasq.model.connection import UDP
from unmasq.model.groups import grouped
from unmasq.model.ingress import IngressBatch
from unmasq.model.proto.felix_pb2 import DataplaneStats, HTTPData, Protocol, Statistic
from unmasq.model.vocabulary import Vocabulary
from unmasq.unwind.claims import KINDS, Claims, claims_of
from unmasq.unwind.roles import original_sources

_TUPLE = ("protocol", "source_hi", "source_lo", "source_port", "dest_hi", "dest_lo", "dest_port")
_REAL_IP = KINDS.index("x-real-ip")
_MOST_LISTED = 20_000  # of one message, also without a limit: a message of gRPC has at most 4 MB


@dataclass(frozen=True, slots=True)
class NamedLines(Columns):
    """Requests of one five-tuple that named one address; `by_real_ip` where X-Real-IP did."""

    protocol: Array = column("u1")
    source_hi: Array = column("u8")
    source_lo: Array = column("u8")
    source_port: Array = column("u2")
    dest_hi: Array = column("u8")
    dest_lo: Array = column("u8")
    dest_port: Array = column("u2")
    hi: Array = column("u8")
    lo: Array = column("u8")
    by_real_ip: Array = column("u1")
    requests: Array = column("i8")


class Passed(NamedTuple):
    """How many lines are part of no message."""

    nameless: int
    without_tuple: int


def named_lines(batch: IngressBatch, vocabulary: Vocabulary) -> tuple[NamedLines, Passed]:
    """What lines name, summed; `vocabulary` has their texts."""
    numbers, texts = np.unique(batch.headers, return_inverse=True)
    claims = claims_of(vocabulary.texts(numbers.tolist()))
    hi, lo = original_sources(texts, claims)
    is_named = (hi | lo) > 0
    is_whole = (batch.source_port > 0) & (batch.dest_port > 0)
    is_whole &= ((batch.source_hi | batch.source_lo) > 0) & ((batch.dest_hi | batch.dest_lo) > 0)
    told = {name: getattr(batch, name) for name in _TUPLE}
    lines = NamedLines.filled(len(batch), **told, hi=hi, lo=lo, by_real_ip=_by_real_ip(claims)[texts], requests=1)
    return summed(lines.take(is_named & is_whole)), Passed(int((~is_named).sum()), int((is_named & ~is_whole).sum()))


def _by_real_ip(claims: Claims) -> NDArray[np.bool_]:
    found = np.zeros(len(claims.count), "?")
    told = claims.count[:, _REAL_IP] > 0
    at = claims.first[told, _REAL_IP]
    found[told] = (claims.hi[at] | claims.lo[at]) > 0
    return found


def summed(lines: NamedLines) -> NamedLines:
    """One row a five-tuple and address, in the order in which they were first met."""
    if not len(lines):
        return lines
    order, begin = grouped([*_tuple(lines), lines.hi, lines.lo])
    first = np.minimum.reduceat(order, begin)
    place = np.argsort(first)
    sums = {"requests": np.add.reduceat(lines.requests[order], begin)[place]}
    sums["by_real_ip"] = np.maximum.reduceat(lines.by_real_ip[order], begin)[place]
    return NamedLines(**lines.take(first[place]).as_dict() | sums)


def reports(lines: NamedLines, most_addresses: int) -> Iterator[DataplaneStats]:
    """One message a five-tuple of summed lines. The first `most_addresses` distinct addresses are named, all if negative."""
    if not len(lines):
        return
    is_listed = _ranks([lines.hi, lines.lo]) < most_addresses if most_addresses >= 0 else np.ones(len(lines), "?")
    tuples = _ranks(_tuple(lines))
    rows = np.argsort(tuples, kind="stable")
    for of_tuple in np.split(rows, np.flatnonzero(np.diff(tuples[rows])) + 1):
        yield _report(lines.take(of_tuple), is_listed[of_tuple])


def _report(lines: NamedLines, is_listed: NDArray[np.bool_]) -> DataplaneStats:
    counted = Statistic(
        direction=Statistic.IN, relativity=Statistic.DELTA, kind=Statistic.INGRESS_DATA, value=len(lines)
    )  # all distinct addresses of the tuple, also those that are not listed: Calico wants no less than it finds listed
    return DataplaneStats(
        src_ip=to_text(int(lines.source_hi[0]), int(lines.source_lo[0])),
        dst_ip=to_text(int(lines.dest_hi[0]), int(lines.dest_lo[0])),
        src_port=int(lines.source_port[0]),
        dst_port=int(lines.dest_port[0]),
        protocol=Protocol(name="udp" if lines.protocol[0] == UDP else "tcp"),
        stats=[counted],
        http_data=[_listed(lines, row) for row in np.flatnonzero(is_listed)[:_MOST_LISTED].tolist()],
    )


def _listed(lines: NamedLines, row: int) -> HTTPData:
    address, requests = to_text(int(lines.hi[row]), int(lines.lo[row])), min(int(lines.requests[row]), (1 << 31) - 1)
    if lines.by_real_ip[row]:
        return HTTPData(x_real_ip=address, count=requests)
    return HTTPData(x_forwarded_for=address, count=requests)


def _tuple(lines: NamedLines) -> list[Array]:
    return [getattr(lines, name) for name in _TUPLE]


def _ranks(columns: Sequence[Array]) -> NDArray[np.int64]:
    """For each row the number of its key, in the order in which keys are first met."""
    order, begin = grouped(columns)
    first = np.minimum.reduceat(order, begin)
    ranks = np.empty(len(order), "i8")
    ranks[order] = np.repeat(np.argsort(np.argsort(first)), np.diff(np.append(begin, len(order))))
    return ranks
