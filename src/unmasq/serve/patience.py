"""HTTP that hangs up on a connection on which nothing is asked: uvicorn itself waits for a first request for ever."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

IDLE_SECONDS = 30.0
"""How long a connection may be open, at least, without the head of a request."""


class Patient(H11Protocol):
    """Looks after each IDLE_SECONDS whether a request came since the last look, or is being answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look = self.loop.call_later(IDLE_SECONDS, self._look_after, None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._look.cancel()
        super().connection_lost(exc)

    def _look_after(self, before: object) -> None:
        cycle = self.cycle
        if cycle is before and (cycle is None or cycle.response_complete):  # type: ignore[redundant-expr]  # None before the first one
            self.transport.close()
        else:
            self._look = self.loop.call_later(IDLE_SECONDS, self._look_after, cycle)
