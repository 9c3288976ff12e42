"""A node of ours that watches the lab: its log and its kernel, with the flows that it keeps."""

import threading
from collections.abc import Collection, Hashable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from unmasq.base.clock import MICROSECONDS, SystemClock
from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.keep.shapes import FlowPage, RoleSpan
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter
from unmasq.model.flow import Flow
from unmasq.model.openpart import OpenPart
from unmasq.node.live import LiveNode
from unmasq.node.watch import Keeper, Watch
from unmasq.observe.listeners import listener
from unmasq.read.endpoint import Place
from unmasq.unwind.trust import TrustEntry, entry

from . import topology as at
from .cluster import Lab
from .deadline import until

QUICK = WindowSettings(wait_us=3_000_000)
"""Lines and connections wait for each other 3 s here; the order of events is the same as with 120 s."""

NODES = ("10.0.0.0/24", "2001:db8:a::/64", at.GATEWAY, at.GATEWAY_V6)
EDGES = [entry("edge", address, header) for address in (at.EDGE, at.EDGE_V6) for header in ("x-forwarded-for", "proxy-protocol")]
"""Trust in the lab's balancer, for both ways in which it names a client."""


class Watched:
    """Runs in a thread while it is entered. The conntrack switches of the lab's node must be on."""

    def __init__(
        self,
        lab: Lab,
        folder: Path,
        trust: Sequence[TrustEntry] = (),
        node_ranges: Sequence[str] = (),
        log: str | Path = "extended",
        syslog: Sequence[Place] = (),
        settings: WindowSettings = QUICK,
        listeners: Sequence[str] = (),
    ) -> None:
        """`log`: a format of the lab's ingress, or the log of somebody else."""
        clock, self.counters = SystemClock(), Counters()
        self._store = DuckStore(folder)
        if trust:
            self._store.control.trust_add(trust, clock.now_us())
        self.live = LiveStore(self._store, clock, self._open_flows)
        watch = Watch(
            node="lab-node",
            logs=[] if syslog else [str(lab.nginx.log(log) if isinstance(log, str) else log)],
            syslog=syslog,
            namespace=str(lab.network.namespace_path("node")),
            node_ranges=[parse_range(text) for text in node_ranges],
            listeners=[listener(text) for text in listeners],
            window=settings,
        )
        keeper = Keeper(self.live.append, self._store.append, self._store.control.trust_list, self.live.moment)
        self._node = LiveNode(watch, keeper, {}, clock, self.counters)
        self._wait_seconds = settings.wait_us / MICROSECONDS
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(30)
        self._node.__exit__(kind, error, trace)
        self._store.close()

    def flows(self, requests: int, wanted: FlowFilter | None = None) -> list[Flow]:
        """All flows, once the kernel was found for every line and they hold so many requests."""
        return until(lambda: self._complete(requests, wanted or FlowFilter()), f"{requests} joined requests")

    def settled(self, requests: int) -> list[Flow]:
        """The same, or all flows there are once a line that has none of the kernel's has waited long enough for it."""
        with suppress(TimeoutError):
            return until(lambda: self._complete(requests, FlowFilter()), "the kernel", self._wait_seconds + 1)
        return self._logged(FlowFilter())

    def span(self, address: str) -> list[RoleSpan]:
        """What is known of one address."""
        return self.live.span(parse_range(address), FlowFilter())

    def _complete(self, requests: int, wanted: FlowFilter) -> list[Flow]:
        logged = self._logged(wanted)
        joined = sum(flow.unmasq.requests for flow in logged if flow.unmasq.join != "unwitnessed")
        return logged if joined == requests else []

    def _logged(self, wanted: FlowFilter) -> list[Flow]:
        page: FlowPage = self.live.flows(wanted, limit=1000)
        return [flow for flow in page.flows if flow.unmasq.requests]

    def _open_flows(self, known: Collection[Hashable]) -> list[OpenPart]:
        return self._node.pipeline.snapshot(known)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._node.turn()
