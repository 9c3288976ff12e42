"""A report as lines of a log, so that it waits for its connection, is joined and kept as every line is.

A report says less than a line: one address of each request, and not the chain that it was in. Its lines carry the key
`reported_by`, by which unwinding makes nobody a client of what they name (`unmasq.unwind.walk`). Reports are what a pod
says, so everything is checked: `policy_sync_reports_rejected` and `policy_sync_claims_rejected` count by reason.
"""

import json
from collections.abc import Iterator
from typing import NamedTuple

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from unmasq.base.telemetry import Counters
from unmasq.model.address import parse, to_text
from unmasq.model.proto.felix_pb2 import DataplaneStats, HTTPData, Protocol, Statistic

MOST_LINES = 10_000
"""Requests of one report that become lines, each of them one; what is beyond it is counted."""
MOST_STATISTICS = 64
MOST_NAMES = 20_000
MOST_UNKNOWN_BYTES = 1 << 16
"""What one report may hold. A collector sends one statistic, and at most so many addresses; more is not even looked at."""

_PROTOCOLS = {"6": "tcp", "17": "udp", "tcp": "tcp", "udp": "udp"}


class Claim(NamedTuple):
    """An address that requests named, in which header."""

    header: str
    address: str
    requests: int


def lines_of(report: DataplaneStats, reporter: str, counters: Counters) -> bytes | None:
    """The lines of a report, one a request; empty where it names nobody. None, and counted, if it cannot be believed at all."""
    reason = _too_many(report)
    if not reason:
        _count_unknown(report, counters)
        reason = _unbelievable(report)
    if reason:
        counters.add("policy_sync_reports_rejected", reason=reason)
        return None
    counted = _counted(report)
    counters.add("policy_sync_addresses_not_named", sum(each.value for each in counted) - len(report.http_data))
    head: dict[str, str | int] = {
        "source_port": report.src_port, "destination_ip": _address(report.dst_ip), "destination_port": report.dst_port,
        "source_ip": _address(report.src_ip), "protocol": _protocol(report.protocol),
    }  # fmt: skip
    return b"".join(_line(head, claim, reporter) * claim.requests for claim in _claims(report, counters))


def _too_many(report: DataplaneStats) -> str:
    """Why a report is too long to be looked at; empty if it is not. Asked first, since each look costs by the entry."""
    if len(report.stats) > MOST_STATISTICS:
        return "too_many_statistics"
    if len(report.http_data) > MOST_NAMES:
        return "too_many_names"
    return "too_much_unknown" if _unknown_bytes(report) > MOST_UNKNOWN_BYTES else ""


def _unknown_bytes(report: DataplaneStats) -> int:
    known = DataplaneStats()
    known.CopyFrom(report)
    known.DiscardUnknownFields()
    return report.ByteSize() - known.ByteSize()


def _unbelievable(report: DataplaneStats) -> str:
    """Why a report is rejected; empty if it is not."""
    counted = _counted(report)
    faults = {
        "address": not (_address(report.src_ip) and _address(report.dst_ip)),
        "port": not (0 < report.src_port < 1 << 16 and 0 < report.dst_port < 1 << 16),
        "protocol": not _protocol(report.protocol),
        "kind": not counted,
        "count": any(each.value < 0 for each in counted) or sum(each.value for each in counted) < len(report.http_data),
    }
    return next((reason for reason, found in faults.items() if found), "")


def _counted(report: DataplaneStats) -> list[Statistic]:
    """The statistics that an ingress collector sends; Calico, too, reads only differences."""
    return [each for each in report.stats if each.kind == Statistic.INGRESS_DATA and each.relativity == Statistic.DELTA]


def _claims(report: DataplaneStats, counters: Counters) -> Iterator[Claim]:
    left = MOST_LINES
    for data in report.http_data:
        claim = _claim(data)
        if claim is None:
            counters.add("policy_sync_claims_rejected", reason="count" if data.count < 0 else "address")
            continue
        told = claim._replace(requests=min(claim.requests, left))
        left -= told.requests
        counters.add("policy_sync_requests_dropped", claim.requests - told.requests, "too_many")
        if told.requests:
            yield told


def _claim(data: HTTPData) -> Claim | None:
    """X-Real-IP if it is an address, else X-Forwarded-For if that is one, which is Calico's rule."""
    if data.count < 0:
        return None
    named = (("x-real-ip", _address(data.x_real_ip)), ("x-forwarded-for", _address(data.x_forwarded_for)))
    header, address = next(((header, address) for header, address in named if address), ("", ""))
    return Claim(header, address, max(1, data.count)) if address else None


def _address(text: str) -> str:
    """The canonical form of an address; empty for what is none."""
    return to_text(*(parse(text) or (0, 0)))


def _protocol(told: Protocol) -> str:
    return _PROTOCOLS.get(str(told.number) if told.HasField("number") else told.name.lower(), "")


def _line(head: dict[str, str | int], claim: Claim, reporter: str) -> bytes:
    return b"unmasq: %b\n" % json.dumps(head | {claim.header: claim.address, "reported_by": reporter}).encode()


def _count_unknown(report: DataplaneStats, counters: Counters) -> None:
    """Fields and values of newer or other collectors: counted, and otherwise as if they were not there."""
    messages: list[Message] = [report, report.protocol, *report.stats, *report.http_data]
    counters.add("policy_sync_unknown", sum(len(UnknownFieldSet(message)) for message in messages), "field")
    enums = [(each.kind, Statistic.Kind) for each in report.stats] + [(each.relativity, Statistic.Relativity) for each in report.stats]
    counters.add("policy_sync_unknown", sum(value not in kind.values() for value, kind in enums), "value")
