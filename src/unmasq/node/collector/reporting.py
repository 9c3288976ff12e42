"""Reports to Felix, or to whoever else knows only those: an interval of lines at a time, at least once.

What could not be delivered is kept and sent again, in order: `reports_resent` counts each further attempt, `reports_refused`
those that were answered but not taken. Beyond the bounds the oldest are dropped (`reports_dropped`: `full`, `tried`).
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import grpc
import numpy as np

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import Unreachable
from unmasq.base.notes import Level, Notes
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import FileIdentity
from unmasq.model.proto import REPORT_ID
from unmasq.model.proto.felix_pb2 import ReportResult
from unmasq.model.runs import Runs
from unmasq.node.collector.log import CollectorLog
from unmasq.node.collector.reports import NamedLines, named_lines, reports, summed
from unmasq.node.collector.settings import CollectorSettings
from unmasq.node.collector.state import CollectorState
from unmasq.node.collector.trouble import absent, silent, trouble
from unmasq.read.formats.lines import LineReader

METHOD = "/felix.PolicySync/Report"
MOST_WAITING = 10_000
MOST_WAITING_BYTES = 8 << 20
MOST_TRIES = 30
_DEADLINE_SECONDS = 5.0
_POLL_SECONDS = 5.0  # the log keeps it meanwhile; many lines at once cost less than few at a time


@dataclass
class _Waiting:
    """A message as it is on the wire, and what it is called each time that it is sent."""

    message: bytes
    id: str
    tries: int = 0


Call = Callable[[_Waiting], ReportResult]


class Reporting:
    """Reads and reports, over as many connections as it takes: what waits is kept between two of them."""

    def __init__(
        self, log: CollectorLog, settings: CollectorSettings, clock: Clock, counters: Counters, notes: Notes, state: CollectorState
    ) -> None:
        self._log, self._settings, self._clock, self._counters, self._notes = log, settings, clock, counters, notes
        self._state = state
        self._reader = LineReader()
        self._lines = NamedLines.empty()
        self._read: dict[FileIdentity, Runs] = {}
        self._began_us = clock.now_us()
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0

    def run(self, channel: grpc.Channel, stop: threading.Event) -> None:
        """Report until `stop`, then what is there. Raises Unreachable when a call fails."""
        report: Any = channel.unary_unary(METHOD, response_deserializer=ReportResult.FromString)

        def call(waiting: _Waiting) -> ReportResult:
            answer: ReportResult = report(waiting.message, timeout=_DEADLINE_SECONDS, metadata=((REPORT_ID, waiting.id),))
            return answer

        try:
            connection = _Connection(channel, self._settings.target)
            self._state.speaks, self._state.has_spoken = "reports", True
            while not stop.is_set():
                connection.demand()
                self._turn(call)
                stop.wait(min(_POLL_SECONDS, self._settings.interval_seconds))
            self._began_us = 0
            self._turn(call)
        finally:
            self._state.speaks = ""

    def _turn(self, call: Call) -> None:
        self._state.turned_us = now_us = self._clock.now_us()
        self._gather(now_us)
        if abs(now_us - self._began_us) >= self._settings.interval_seconds * MICROSECONDS:
            self._began_us = now_us
            self._close()
            self._send(call)

    def _gather(self, now_us: int) -> None:
        for chunk in self._log.poll(now_us):
            named, passed = named_lines(self._reader.read(chunk, now_us), self._reader.vocabulary)
            self._lines = summed(NamedLines.concat([self._lines, named]))
            self._counters.add("reports_lines_passed", passed.nameless, "nameless")
            self._counters.add("reports_lines_passed", passed.without_tuple, "without_tuple")
            self._reader.compact(np.zeros(0, "u4"))
            self._read.setdefault(chunk.file, Runs()).add(chunk.start, chunk.start + len(chunk.data) + chunk.skipped)
        self._log.pass_over()

    def _close(self) -> None:
        """The interval is over: its messages wait to be sent."""
        for message in reports(self._lines, self._settings.most_addresses):
            self._waiting.append(_Waiting(message.SerializeToString(), uuid4().hex))
            self._waiting_bytes += len(self._waiting[-1].message)
            while len(self._waiting) > MOST_WAITING or (len(self._waiting) > 1 and self._waiting_bytes > MOST_WAITING_BYTES):
                self._take_first()
                self._drop("full")
        self._lines = NamedLines.empty()

    def _send(self, call: Call) -> None:
        """Send what waits, the oldest first, up to the first that is not taken."""
        sent = 0
        while self._waiting and self._is_taken(self._waiting[0], call):
            self._take_first()
            sent += 1
        if not self._waiting:
            self._log.acknowledge({file: list(runs) for file, runs in self._read.items()})
            self._log.save()
            self._read = {}
        self._counters.add("reports_sent", sent)  # last: who sees it knows that a restart does not send these again
        self._notes(Level.DEBUG, f"{sent} reports sent, {len(self._waiting)} wait")

    def _is_taken(self, first: _Waiting, call: Call) -> bool:
        self._counters.add("reports_resent", int(first.tries > 0))
        first.tries += 1
        self._state.turned_us = self._clock.now_us()  # many that wait, and a slow peer, may take minutes
        try:
            if call(first).successful:
                return True
        except grpc.RpcError as error:
            self._counters.add("reports_failed", reason=error.code().name.lower())
            self._drop_hopeless(first)
            raise trouble(error, self._settings.target) from None
        self._counters.add("reports_refused")
        self._notes.warn("refused", "reports are refused, and sent again; is the peer's disk full, or are its flow logs off?")
        self._drop_hopeless(first)
        return False

    def _drop_hopeless(self, first: _Waiting) -> None:
        if first.tries >= MOST_TRIES:
            self._take_first()
            self._drop("tried")

    def _take_first(self) -> None:
        self._waiting_bytes -= len(self._waiting.popleft().message)

    def _drop(self, reason: str) -> None:
        self._counters.add("reports_dropped", reason=reason)
        self._notes.warn("dropped", f"reports are dropped ({reason}): nobody took them for too long")


class _Connection:
    """Whether anybody is still there: where there is nothing to report, no call would tell. Raises Unreachable."""

    def __init__(self, channel: grpc.Channel, target: str) -> None:
        self._target = target
        self._is_ready, self._is_lost = threading.Event(), threading.Event()
        channel.subscribe(self._changed, try_to_connect=True)
        if not self._is_ready.wait(_DEADLINE_SECONDS):
            raise silent(target)

    def demand(self) -> None:
        if self._is_lost.is_set():
            raise absent(self._target) or Unreachable(f"{self._target} takes nothing", "whoever listens closed the connection")

    def _changed(self, state: grpc.ChannelConnectivity) -> None:
        if state is grpc.ChannelConnectivity.READY:
            self._is_ready.set()
        elif self._is_ready.is_set():
            self._is_lost.set()
