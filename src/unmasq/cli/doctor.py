"""`unmasq doctor`: which link is broken, and what to do."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from unmasq.base.errors import UsageError
from unmasq.cli.ending import Exit
from unmasq.cli.misuse import STORE_NEXT

if TYPE_CHECKING:
    from unmasq.cli.doctor_sides import Side

_TEST = (
    "Send test requests to this URL of a proxy: X-Forwarded-For 1.1.1.1 with X-Real-Ip 2.2.2.2, and once more without "
    "X-Real-Ip; wait for their flows in the store or at the server, and tell what became of the headers."
)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    """Where to look."""

    store: Path | None = None
    """The directory of the store that a running `unmasq run` fills. Otherwise what UNMASQ_STORE says."""
    spool: Path | None = None
    """The spool of a running `unmasq node`: from the log to the server. Otherwise what UNMASQ_SPOOL says."""
    socket: Path | None = None
    """Who listens on this socket of a collector. Otherwise what FELIX_DIAL_TARGET says; beside a collector it need not be named."""
    server: str | None = None
    """The URL of unmasq serve: what it has; with --test, where the flows of the test are looked for."""
    token_file: Path | None = None
    """A file with a token for readers, for --server."""
    ca: Path | None = None
    """A file with the certificates that vouch for the server, PEM. Otherwise the system's."""
    insecure: bool = False
    """Send the token also over http:// to another machine: only where nobody can be on the way."""
    test: Annotated[str | None, Parameter(help=_TEST)] = None
    timeout_seconds: float | None = None
    """How long to wait for the flow of a test request. Otherwise 30, and 200 with --server: a node sends what is closed."""
    set_switches: bool = False
    """Turn on what conntrack needs in the kernel: three settings and a rule that looks at connections."""
    namespace: str | None = None
    """The network namespace for --set-switches, or to look at where nothing else is named: a name or a path. Otherwise our own."""
    exit_code: bool = False
    """Exit with 4 where something is to be looked at, though nothing is broken: for monitoring."""
    output: Annotated[Literal["text", "json"], Parameter(name=("--output", "-o"))] = "text"
    """A text for people, or JSON."""


_PLAIN = DoctorOptions()


def doctor(options: DoctorOptions = _PLAIN) -> int:
    """Look at every link from the proxy's log to the store, and name the first that is broken; exits with 1 if one is."""
    from unmasq.cli import doctor_checks, doctor_places

    if options.set_switches:
        doctor_checks.turn_on(options.namespace)
        return Exit.DONE
    if options.test is not None:
        return _test(options, options.test)
    looked = doctor_places.looked_at(options)
    doctor_checks.tell(looked, options.output)
    return doctor_checks.ended(looked.checks, tells_of_warnings=options.exit_code)


def _test(options: DoctorOptions, url: str) -> int:
    from unmasq.base.clock import SystemClock
    from unmasq.cli.doctor_places import server_of
    from unmasq.cli.doctor_sides import AtServer, AtStore
    from unmasq.serve.backend import open_backend

    given = options.timeout_seconds
    if options.store is not None:
        with open_backend(options.store, SystemClock()) as backend:
            return _wait(url, lambda: AtStore(backend), given or AtStore.PATIENCE_SECONDS, AtStore.WAITS_FOR, options.output)
    if options.server is not None:
        with server_of(options.server, options) as server:
            seconds = given or AtServer.PATIENCE_SECONDS
            return _wait(url, lambda: AtServer(server, seconds), seconds, AtServer.WAITS_FOR, options.output)
    why = "the flows of the test are looked for in a store, or at a server"
    raise UsageError("in which store?", why, f"{STORE_NEXT}; or add --server URL with --token-file FILE")


def _wait(url: str, side: "Callable[[], Side]", seconds: float, waits_for: str, output: str) -> int:
    """Tell at once what is waited for, since it may take minutes."""
    from unmasq.cli import doctor_test
    from unmasq.cli import output as out

    out.note(f"waiting up to {seconds:g} s for {waits_for}")
    return doctor_test.run(url, side, seconds, output)
