"""The collector at work: find who listens on the socket, tell them in the best way that they understand, and never give up."""

import errno
import threading
from dataclasses import dataclass
from pathlib import Path

import grpc

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import InputError, UnmasqError, UsageError
from unmasq.base.notes import Level, Notes
from unmasq.base.telemetry import Counters
from unmasq.node.collector.log import CollectorLog
from unmasq.node.collector.reporting import Reporting
from unmasq.node.collector.settings import PATH, CollectorSettings
from unmasq.node.collector.state import CollectorState
from unmasq.node.collector.streaming import Streaming
from unmasq.node.collector.trouble import Displaced

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0
_CHANNEL = (
    ("grpc.use_local_subchannel_pool", 1),  # no memory of earlier failures: this loop has its own pauses
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", 64 << 20),  # a node that has thousands of files of ours says so at once
)


@dataclass(frozen=True)
class Extras:
    """What the old collector did not have."""

    reports_only: bool = False
    warn_bytes: int = 512 << 20
    give_back: bool = False


class Collector:
    """One log and one socket. Raises UsageError if the log can never be read."""

    def __init__(self, settings: CollectorSettings, extras: Extras, clock: Clock, counters: Counters, notes: Notes) -> None:
        self._settings, self._extras, self._clock, self._counters, self._notes = settings, extras, clock, counters, notes
        self.state = CollectorState()
        try:
            self._log = CollectorLog(settings.path, counters, notes, warn_bytes=extras.warn_bytes, give_back=extras.give_back)
        except InputError as error:
            raise UsageError(f"{PATH} is no log: {error.what}", error.why, f"name the file that the proxy writes in {PATH}") from None
        self._say_if_missing()
        self._reporting = Reporting(self._log, settings, clock, counters, notes, self.state)

    def _say_if_missing(self) -> None:
        path = self._settings.path
        try:
            Path(path).stat()
        except OSError as error:
            why = "is not there yet" if error.errno == errno.ENOENT else f"cannot be found: {error.strerror}"
            self._notes.now("log", f"{path} {why}: waiting for it; {PATH} says where the proxy writes")

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. A socket that is absent, vanishes or refuses is tried again, ever more slowly."""
        pause = _FIRST_PAUSE_SECONDS
        while not stop.is_set():
            self.state.turned_us = began_us = self._clock.now_us()
            self.state.has_spoken = False
            try:
                with grpc.insecure_channel(f"unix:{self._settings.target}", options=_CHANNEL) as channel:
                    self._talk(channel, stop)
            except UnmasqError as error:
                self._counters.add("collector_disconnected")
                self._say(error, began_us)
            lasted_seconds = (self._clock.now_us() - began_us) / 1e6
            pause = _FIRST_PAUSE_SECONDS if lasted_seconds > _LONGEST_PAUSE_SECONDS else min(2 * pause, _LONGEST_PAUSE_SECONDS)
            stop.wait(pause)
        self._log.close()

    def _say(self, error: UnmasqError, began_us: int) -> None:
        """What is the matter, once while it is: a connection that held for a while in between was the end of it.

        Two collectors that displace each other hold one for a while each: that is said once for all.
        """
        if self.state.has_spoken and self._clock.now_us() - began_us > _LONGEST_PAUSE_SECONDS * MICROSECONDS:
            self._notes.over("peer")
        next_step = f" {error.next_step}" if error.next_step.endswith("?") else error.next_step and f" {error.next_step};"
        self._notes.now("displaced" if isinstance(error, Displaced) else "peer", f"{error.what}: {error.why};{next_step} tried again")

    def _talk(self, channel: grpc.Channel, stop: threading.Event) -> None:
        streaming = Streaming(self._settings.target, self._log, self._clock, self._counters, self._notes, self.state, stop)
        if not self._extras.reports_only and streaming.run(channel):
            return
        self._notes(Level.INFO, "reports, as to Felix")
        self._reporting.run(channel, stop)
