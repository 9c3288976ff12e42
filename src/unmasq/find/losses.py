"""Which counters of a process say that something was lost, and not only refused or put off. Pure."""

from collections.abc import Mapping

from unmasq.base.telemetry import name_of, summed

LOST = (
    "policy_sync_reports_rejected",
    "policy_sync_claims_rejected",
    "policy_sync_streams_refused",
    "window_gave_up_lines",
    "window_dropped_connections",
    "window_forgotten_connections",
    "conntrack_lost",
    "conntrack_malformed",
    "sockets_lost",
    "sockets_malformed",
    "tail_lost_bytes",
    "syslog_lost",
    "listeners_refused",
    "pod_spaces_refused",
    "pod_spaces_unreadable",
    "processes_passed_over",
    "translations_dropped",
)
"""Beside what is called `spool_dropped_...`, in which doctor and health page see the spool's own link."""

_SPOOL = "spool_dropped_"
_GIVEN_UP = ("spool_dropped_batches", "spool_dropped_flows", "spool_dropped_lines", "spool_dropped_rejected", "spool_dropped_translations")


def lost(counters: Mapping[str, int]) -> dict[str, int]:
    """Those of the counters, `name` or `name{reason}`, that are of something lost on its way to the spool or store."""
    return {key: count for key, count in counters.items() if name_of(key) in LOST}


def lost_anywhere(counters: Mapping[str, int]) -> dict[str, int]:
    """As `lost`, and what the spool gave up."""
    return lost(counters) | {key: count for key, count in counters.items() if key.startswith(_SPOOL)}


def by_kind(counters: Mapping[str, int]) -> dict[str, int]:
    """Every kind of loss over all its reasons, 0 for what was never lost."""
    return summed(counters, (*LOST, *_GIVEN_UP))
