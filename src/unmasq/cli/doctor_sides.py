"""Where the flows of a test request are looked for, and what that side can tell of a broken link."""

from typing import Protocol

from unmasq.base.errors import UnmasqError
from unmasq.find.acceptance import Link, Match
from unmasq.find.broken import broken_elsewhere, broken_here, settled
from unmasq.keep.protocol import Health
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

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._before: Health = backend.health()

    def is_settled(self, match: Match | None) -> bool:
        return match is not None

    def broken(self, match: Match | None) -> Link | None:
        return broken_elsewhere(match, self._before, self.backend.health())
