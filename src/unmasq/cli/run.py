"""`unmasq run`: one host with a proxy, everything in one process; or logs at rest, read to the end."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from unmasq.base.errors import UsageError
from unmasq.cli.port import PortOptions
from unmasq.cli.watching import WatchOptions, microseconds, watch_of


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RunOptions(WatchOptions, PortOptions):
    """What to read and watch, whom to trust, and how long to wait."""

    store: Path
    """The folder to keep flows in; made if absent."""
    trust: Annotated[str, Parameter(show_default=False)] = ""
    """Ranges whose machines write X-Forwarded-For on every request, separated by commas, or RANGE=HEADER; saved in the trust list."""
    listen: Annotated[str | None, Parameter(show_default=False)] = None
    """ADDRESS:PORT for browsers and programs; none for no port at all. Otherwise 127.0.0.1:8470, if it is free. Not with --once."""
    once: bool = False
    """Read to the end of the logs, keep the flows, exit. Needs no kernel and no root."""
    interval_seconds: float = 60
    """Length of a flow's interval."""
    flush_seconds: float = 30
    """How long closed flows may wait before they are written; they are searchable meanwhile."""
    retention_days: int = 91
    """Days to keep, at least 1, counted back from the newest flow, or from now if that is earlier; not with --once."""


def run(options: RunOptions) -> None:
    """Read proxy logs, join them with the kernel's connections, and keep the flows."""
    from unmasq.cli import live, once
    from unmasq.keep.day.ageing import days_to_keep

    days_to_keep(options.retention_days)
    watch = watch_of(options, microseconds(options.interval_seconds))
    if options.once and (options.pods or options.policy_sync or options.syslog):
        why = "they come and go, and never end"
        raise UsageError("--once reads no pods, no collectors and no syslog", why, "name their logs with --input")
    if options.once:
        once.run(options.store, watch, options.trust)
    elif "-" in watch.logs:
        raise UsageError("standard input needs --once", "a stream cannot be followed after a restart", "add --once, or name a file")
    else:
        live.run(options, watch)
