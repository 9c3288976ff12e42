"""Datagrams in, connections of our listeners out; whatever is left behind is counted."""

from collections.abc import Iterable

from unmasq.base.telemetry import Counters
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import conntrack
from unmasq.observe.listeners import Listeners


class Intake:
    """Counts `conntrack_malformed`, and `not_a_listener` for what is neither TCP nor UDP or goes elsewhere."""

    def __init__(self, counters: Counters, listeners: Listeners) -> None:
        self._counters, self._listeners = counters, listeners

    def take(self, datagrams: Iterable[bytes], seen_us: int) -> ConnectionBatch:
        """The rows of datagrams that were read at `seen_us`, in order."""
        rows: list[conntrack.Row] = []
        for datagram in datagrams:
            parsed = conntrack.parse(datagram, seen_us, self._listeners)
            rows += parsed.rows
            self._counters.add("conntrack_malformed", parsed.malformed)
            self._counters.add("not_a_listener", parsed.foreign)
        return conntrack.batch(rows)
