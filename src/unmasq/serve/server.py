"""A server for many nodes: a store that this process owns, fed over HTTP, asked over HTTP and on the owner's socket."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from unmasq.base.clock import Clock
from unmasq.base.telemetry import Counters
from unmasq.find.completeness import SILENT_US
from unmasq.join.records import Records
from unmasq.keep.control.nodes import Nodes
from unmasq.keep.control.tokens import digest
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.keep.remote.flows import RemoteFlows
from unmasq.model.address import Range, parse_range
from unmasq.model.nodesettings import NodeSaid, NodeSettings, TrustedRange
from unmasq.serve.ingest import Ingest
from unmasq.serve.listening import Listening, Tls, tcp
from unmasq.serve.owner import Owner
from unmasq.serve.protocol import Backend
from unmasq.serve.questions import of_live
from unmasq.serve.receiving import Receiving
from unmasq.serve.site import Site
from unmasq.serve.vitals import Vitals
from unmasq.serve.who import Who

COUNTED = (("ingest_flows", ""), ("ingest_lines", ""), ("ingest_rejected", ""))


@dataclass(frozen=True)
class Public:
    """How others reach a server, and what it tells its nodes."""

    host: str
    port: int
    tls: Tls | None = None
    names: Sequence[str] = ()
    geo: Sequence[Path] = ()
    """Files with the country and network of addresses."""
    node_token: Callable[[], str | None] = lambda: None
    """A token for nodes beside those of `unmasq token`, as it is now."""
    interval_seconds: float = 60
    node_ranges: Sequence[str] = ()
    listeners: Sequence[str] = ()


class Server:
    """All of it, while it is entered."""

    def __init__(
        self, store: DuckStore, public: Public, clock: Clock, counters: Counters, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        """`tell` gets a sentence when something begins to go wrong, and when it is well again."""
        self._store, self._public, self._clock, self._counters, self._tell = store, public, clock, counters, tell
        self.live = LiveStore(store, clock, resent=True)

    def __enter__(self) -> Self:
        """Raises Unreachable where nothing can listen, UsageError for what is no certificate."""
        with ExitStack() as stack:
            self._records = Records(self._counters)
            self._vitals = Vitals()
            self._nodes = Nodes(self._store.control, self._clock, self._counters, self._tell)
            self._remote = RemoteFlows(self._store, self._records, self.node_ranges, self._clock, self._counters)
            self.ingest = ingest = stack.enter_context(Ingest(self.live, self._remote, self._clock, self._counters, self._tell))
            backend = of_live(self.live, self._clock, node_ranges=self.node_ranges, heard=self._nodes.heard, vitals=self._vitals)
            stack.enter_context(Owner(self._store.folder, backend, self._clock))
            if self._public.tls:
                self._public.tls.check()
            listener = tcp(self._public.host, self._public.port)
            self.port = int(listener.getsockname()[1])
            self.site = self._site(ingest, backend)
            stack.enter_context(Listening(self.site.app(), listener, self._public.tls, self._counters))
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def node_ranges(self) -> list[Range]:
        """The addresses of nodes: those that are set, and those that nodes told."""
        return [*map(parse_range, self._public.node_ranges), *self._nodes.ranges()]

    def settings(self) -> NodeSettings:
        """What nodes are told now."""
        trust = self._store.control.trust_list()
        entries = [TrustedRange(each.name, each.range.text, each.header) for each in trust.entries]
        public, learned = self._public, [one.text for one in self._remote.listeners]
        listeners = [*public.listeners, *(one for one in learned if one not in public.listeners)]
        ranges = list(dict.fromkeys(one.text for one in self.node_ranges()))
        return NodeSettings(trust.version, entries, public.interval_seconds, ranges, listeners)

    def _gauges(self) -> dict[str, float]:
        waiting, unwritten = self.live.waiting_rows(), len(self.live.troubles)
        silent = sum(self._clock.now_us() - heard_us > SILENT_US for heard_us, _ in self._nodes.heard().values())
        nodes = {
            "nodes_known": len(self._nodes),
            "nodes_silent": silent,
            "node_addresses": len(self._nodes.ranges()),
            "node_addresses_shared": self._nodes.shared,
        }
        return {"waiting_rows": waiting, "days_unwritten": unwritten, "translations_known": len(self._records), **nodes}

    def _site(self, ingest: Ingest, backend: Backend) -> Site:
        public, receiving = self._public, Receiving(ingest, self.settings, self._hear, self._counters)
        return Site(
            folder=self._store.folder,
            backend=backend,
            clock=self._clock,
            counters=self._counters,
            gauges=self._gauges,
            begun=COUNTED,
            trouble=lambda: ingest.trouble,
            days_unwritten=lambda: len(self.live.troubles),
            hosts=public.names,
            geo=public.geo,
            more=receiving.endpoints(),
            find=self._node_of_file,
            tell=self._tell,
        )

    def _hear(self, said: NodeSaid) -> None:
        """What a node says of itself, and that it is alive. Of one that does not say how it is doing that is all."""
        self._nodes.hear(said)
        started, counters = (said.status.started, said.status.counters) if said.status else ("", {})
        self._vitals.note(said.node, started, counters, self._clock.now_us())

    def _node_of_file(self, text: str) -> Who | None:
        return Who("token file", "node") if _is(text, self._public.node_token()) else None


def _is(text: str, token: str | None) -> bool:
    return token is not None and secrets.compare_digest(digest(text), digest(token))
