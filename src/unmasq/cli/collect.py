"""`unmasq collect`: beside a proxy, its log to the socket of its node. The drop-in for the old ingress log collector."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

_MEBIBYTE = 1 << 20


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CollectOptions:
    """What the old collector did not have."""

    listen: Annotated[str | None, Parameter(show_default=False)] = None
    """Answer /metrics, /healthz and /readyz on PORT of loopback, or on HOST:PORT; :PORT is every address."""
    reports_only: bool = False
    """Send only what Felix understands, to our own node too."""
    warn_mib: int = 512
    """Warn when the log takes more than this on its disk."""
    give_back: bool = False
    """Free the blocks of the log that the other side has for good. The file keeps its length, its beginning reads as zeros."""


_PLAIN = CollectOptions()


def collect(options: CollectOptions = _PLAIN) -> None:
    """Send what the proxy logs to the socket of its node.

    Set by the environment, as the old collector was: INGRESS_LOG_INTERVAL_SECONDS (5), INGRESS_LOG_REQUESTS_PER_INTERVAL
    (10; negative: no limit), INGRESS_LOG_PATH (/var/log/calico/ingress/ingress.log), FELIX_DIAL_TARGET
    (/var/run/felix/nodeagent/socket), LOG_LEVEL (Panic). 0 and the empty text mean the default. To a node of unmasq every
    line goes as it is, exactly once; interval and limit are for Felix.
    """
    import os
    import signal
    import threading
    from contextlib import nullcontext

    from unmasq.base.clock import SystemClock
    from unmasq.base.notes import Notes
    from unmasq.base.telemetry import Counters
    from unmasq.cli import output as out
    from unmasq.node.collector.health import Answers, HealthServer
    from unmasq.node.collector.loop import Collector, Extras
    from unmasq.node.collector.settings import settings_of

    settings, counters, clock, stop = settings_of(os.environ), Counters(), SystemClock(), threading.Event()
    extras = Extras(options.reports_only, options.warn_mib * _MEBIBYTE, options.give_back)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    collector = Collector(settings, extras, clock, counters, Notes(settings.level, out.note))
    answers = Answers(settings.path, collector.state, counters, clock)
    with HealthServer(options.listen, answers) if options.listen else nullcontext():
        collector.run(stop)
