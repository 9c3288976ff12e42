"""What does not get through now: told when it begins, once of each kind, and when it is over."""

from collections.abc import Callable, Sequence

from unmasq.base.servers import advice
from unmasq.base.telemetry import Counters


class Troubles:
    """Of one server. Counts `ship_failed` by reason; `tell` gets the sentences."""

    def __init__(self, url: str, kinds: Sequence[str], counters: Counters, tell: Callable[[str], None]) -> None:
        """`kinds` is what may be in trouble, what matters most first."""
        self._url, self._counters, self._tell = url, counters, tell
        self._known: dict[str, dict[str, str]] = {kind: {} for kind in kinds}

    @property
    def worst(self) -> str | None:
        """Why something does not get through."""
        return next((why for known in self._known.values() for why in reversed(list(known.values()))), None)

    def note(self, kind: str, reason: str, why: str) -> None:
        """It failed once more."""
        self._counters.add("ship_failed", reason=reason)
        if not any(reason in known for known in self._known.values()):
            next_step = advice(why)
            self._tell(f"{self._url}: {why}; what is not sent waits in the spool" + (f"\n  next: {next_step}" if next_step else ""))
        self._known[kind].pop(reason, None)
        self._known[kind][reason] = why

    def well(self, kind: str) -> None:
        """All of a kind gets through."""
        if self._known[kind]:
            self._tell(f"{self._url}: {kind} get through again")
            self._known[kind].clear()
