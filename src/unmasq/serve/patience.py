"""HTTP that hangs up on a connection on which nothing is asked: uvicorn itself waits for a first request for ever.

Time alone bounds no number: whoever opens connections faster than they are given up would use up our descriptors. So of those
that have not asked anything yet only so many are kept, and one more takes the place of the oldest.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from unmasq.base.telemetry import Counters

IDLE_SECONDS = 30.0
"""How long a connection may be open, at least, without the head of a request."""
MOST_SILENT = 200
"""Connections without the head of a first request: a browser opens six, and asks at once."""


class Crowd:
    """The connections of one socket on which nothing was asked yet. Counts `http_hung_up`: `crowded`, and `idle` after a while."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self._silent: dict[Patient, None] = {}

    def enters(self, one: "Patient") -> None:
        """One more, in the place of the oldest if there are too many."""
        self._silent[one] = None
        if len(self._silent) > MOST_SILENT:
            oldest = next(iter(self._silent))
            self.leaves(oldest)
            self.counters.add("http_hung_up", reason="crowded")
            oldest.transport.abort()

    def leaves(self, one: "Patient") -> None:
        """It asks, or is gone."""
        self._silent.pop(one, None)


class Patient(H11Protocol):
    """Looks after each IDLE_SECONDS whether a request came since the last look, or is being answered."""

    def __init__(self, *args: Any, crowd: Crowd, **options: Any) -> None:
        super().__init__(*args, **options)
        self._crowd = crowd

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look = self.loop.call_later(IDLE_SECONDS, self._look_after, None)
        self._crowd.enters(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._look.cancel()
        self._crowd.leaves(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not None:
            self._crowd.leaves(self)

    def _look_after(self, before: object) -> None:
        cycle = self.cycle
        if cycle is before and (cycle is None or cycle.response_complete):  # type: ignore[redundant-expr]  # None before the first one
            self._crowd.counters.add("http_hung_up", reason="idle")
            self.transport.close()
        else:
            self._look = self.loop.call_later(IDLE_SECONDS, self._look_after, cycle)
