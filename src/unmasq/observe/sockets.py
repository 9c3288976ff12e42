"""Datagrams about sockets in, connections of our listeners out; whatever is left behind is counted."""

from collections.abc import Iterable

from unmasq.base.telemetry import Counters
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import sock_diag
from unmasq.observe.listeners import Listeners
from unmasq.observe.rows import Row


class SocketIntake:
    """Counts `sockets_malformed`, and `not_a_listener` for what the proxy's machine itself connected to."""

    def __init__(self, counters: Counters, listeners: Listeners) -> None:
        self._counters, self._listeners = counters, listeners

    def take(self, datagrams: Iterable[bytes], seen_us: int) -> ConnectionBatch:
        """The rows of datagrams that were read at `seen_us`, in order."""
        rows: list[Row] = []
        for datagram in datagrams:
            parsed = sock_diag.parse(datagram, seen_us, self._listeners)
            rows += parsed.rows
            self._counters.add("sockets_malformed", parsed.malformed)
            self._counters.add("not_a_listener", parsed.foreign)
        return sock_diag.batch(rows)
