"""What the server told a node last: kept in the spool, so that a node can start while its server is away."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
from msgspec import structs

from unmasq.base.errors import UsageError
from unmasq.base.telemetry import Counters
from unmasq.model.address import Range, parse_range
from unmasq.model.health import NodeStatus
from unmasq.model.nodesettings import NodeSaid, NodeSettings, bounded
from unmasq.node.upstream import Kind, Outcome, Upstream
from unmasq.observe.listeners import Listener, listener
from unmasq.unwind.trust import TrustList, entry

_NOTE = "settings"


class Notes(Protocol):
    """Where small things are kept under a name."""

    def note(self, name: str, value: bytes) -> None: ...
    def noted(self, name: str) -> bytes | None: ...


@dataclass(frozen=True)
class Settings:
    """The settings as a node uses them."""

    trust: TrustList
    interval_seconds: float
    node_ranges: Sequence[Range]
    listeners: Sequence[Listener]


class _Noted(msgspec.Struct):
    tag: str
    told: NodeSettings


class Told:
    """`now` may be read by any thread; `refresh` is called by the one that talks to the server.

    `doing` says how the node is, as soon as there is one. Counts `settings_refused`: what a server said that makes no sense is not
    taken, and the former settings stay.
    """

    def __init__(self, notes: Notes, counters: Counters) -> None:
        self._notes, self._counters = notes, counters
        self.doing: Callable[[], NodeStatus | None] = lambda: None
        self._said: NodeSaid | None = None
        self._heard: NodeSaid | None = None
        self._tag, self.now = "", _settings(NodeSettings())
        noted = notes.noted(_NOTE)
        if noted is not None:
            self._remember(noted)

    def say(self, node: str, addresses: Sequence[str]) -> None:
        """What the server is told of this node from now on. Any thread may say."""
        self._said = NodeSaid(node, list(addresses))

    @property
    def is_news(self) -> bool:
        """Whether something was said that the server has not heard."""
        return self._said != self._heard

    def refresh(self, upstream: Upstream) -> Outcome:
        """Ask the server, and tell it what was said; `now` is what it said last."""
        said = self._said
        outcome = upstream.settings(self._tag, said and bounded(structs.replace(said, status=self.doing())))
        if outcome.kind in (Kind.DONE, Kind.UNCHANGED):
            self._heard = said
        if outcome.settings is None:
            return outcome
        try:
            self.now = _settings(outcome.settings)
        except UsageError as error:
            self._counters.add("settings_refused")
            return Outcome(Kind.FAILED, "settings", f"the server's settings make no sense: {error.what}")
        self._tag = outcome.tag
        self._notes.note(_NOTE, msgspec.json.encode(_Noted(outcome.tag, outcome.settings)))
        return outcome

    def _remember(self, noted: bytes) -> None:
        try:
            found = msgspec.json.decode(noted, type=_Noted)
            self.now, self._tag = _settings(found.told), found.tag
        except (msgspec.MsgspecError, UsageError):  # of a newer program: the server says it again
            self._counters.add("settings_refused")


def _settings(told: NodeSettings) -> Settings:
    if not 1 <= told.interval_seconds <= 3600 or not 0 <= told.trust_version < 1 << 32:
        raise UsageError("an interval or version that cannot be", "the server said so", "upgrade the older of node and server")
    return Settings(
        TrustList([entry(each.name, each.range, each.header) for each in told.trust], told.trust_version),
        told.interval_seconds,
        [parse_range(text) for text in told.node_ranges],
        [listener(text) for text in told.listeners],
    )
