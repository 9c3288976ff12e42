"""What travels on the sockets of Policy Sync: message definitions and the modules generated from them (`make proto`).

`felix.proto` is the part of Felix's API that the old ingress collector used, `lines.proto` our own. Nothing else belongs here.
"""

REPORT_ID = "unmasq-report"
"""Metadata of `Report`: what a collector of ours calls a report, the same each time that it sends it."""

COLLECTOR_ID = "unmasq-collector"
"""Metadata of `Send`: what a collector calls itself, for as long as its process lives."""

SUPERSEDED = "superseded"
"""How a node ends a stream, with ABORTED, where another one has begun on the same socket."""
