"""Asking the server for settings, again and again."""

from unmasq.base.telemetry import Counters
from unmasq.node.backoff import BackOff
from unmasq.node.settings import Told
from unmasq.node.troubles import Troubles
from unmasq.node.upstream import Kind, Upstream

EVERY_SECONDS = 15.0
"""How often, while the server answers."""

SETTINGS = "settings"


class Asking:
    """One turn asks once, and says in how many seconds to ask again. Counts `ship_settings`."""

    def __init__(self, told: Told, upstream: Upstream, counters: Counters, back_off: BackOff, troubles: Troubles) -> None:
        self._told, self._upstream, self._counters = told, upstream, counters
        self._back_off, self._troubles = back_off, troubles
        self._is_answered = True

    @property
    def has_news(self) -> bool:
        """Whether there is something to tell that should not wait for the next turn."""
        return self._is_answered and self._told.is_news

    def turn(self) -> float:
        """Ask. Raises StoreError."""
        outcome = self._told.refresh(self._upstream)
        self._is_answered = outcome.kind in (Kind.DONE, Kind.UNCHANGED)
        if not self._is_answered:
            self._troubles.note(SETTINGS, outcome.reason, outcome.why)
            return self._back_off.failed(outcome.wait_seconds)
        self._counters.add("ship_settings", reason=outcome.kind.value)
        self._back_off.succeeded()
        self._troubles.well(SETTINGS)
        return EVERY_SECONDS
