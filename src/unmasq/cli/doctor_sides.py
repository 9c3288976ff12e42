"""Where the flows of a test request are looked for, and what that side can tell of a broken link."""

from typing import Protocol

from unmasq.base.errors import UnmasqError
from unmasq.find.acceptance import Link, Match
from unmasq.find.broken import broken_elsewhere, broken_here, settled
from unmasq.keep.shapes import Health
from unmasq.model.health import NodeStatus
from unmasq.serve.protocol import Backend


class Side(Protocol):
    """One test request: made before it is sent, asked afterwards."""

    @property
    def backend(self) -> Backend: ...
    def is_settled(self, match: Match | None) -> bool: ...
    def broken(self, match: Match | None) -> Link | None: ...


class AtStore:
    """A store that a running node fills: flows are seen while they are open, and the node tells how it is."""

    PATIENCE_SECONDS = 30.0
    WAITS_FOR = "the line of each request, joined with its connection, to be in the store"

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._before = self._status()

    def is_settled(self, match: Match | None) -> bool:
        return settled(match, self._status())

    def broken(self, match: Match | None) -> Link | None:
        return broken_here(match, self._before, self._status())

    def _status(self) -> NodeStatus:
        status = self.backend.status()
        if status is None:
            raise UnmasqError(
                "nobody fills this store", "the test waits for a flow that a running unmasq must keep", "start unmasq run first"
            )
        return status


class AtServer:
    """A server of many nodes: flows come when they are closed, and of its nodes it knows no more than that."""

    PATIENCE_SECONDS = 200.0
    """An interval of 60 s, 120 s for a line that waits for its connection, 10 s for what is late, and some to send it."""
    LEAST_SECONDS = 71.0
    _WHEN = "when its interval is over (60 s, or unmasq serve --interval-seconds), 10 s for late lines, and 1 s to gather"
    WAITS_FOR = f"the flow of each request to be at the server: a node sends it {_WHEN}"

    def __init__(self, backend: Backend, timeout_seconds: float = PATIENCE_SECONDS) -> None:
        self.backend, self._timeout_seconds = backend, timeout_seconds
        self._before: Health = backend.health()

    def is_settled(self, match: Match | None) -> bool:
        return match is not None

    def broken(self, match: Match | None) -> Link | None:
        link = broken_elsewhere(match, self._before, self.backend.health())
        if link is None or match is not None or link[0] == "marker" or self._timeout_seconds >= self.LEAST_SECONDS:
            return link
        why = f"a flow is sent {self._WHEN}, and --timeout-seconds {self._timeout_seconds:g} may be shorter than that"
        return link[0], f"{link[1]}: {why}", f"leave it out, or give {self.LEAST_SECONDS:g} or more; else {link[2]}"
