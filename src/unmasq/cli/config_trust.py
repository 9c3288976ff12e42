"""`unmasq config trust`: the proxies whose headers are believed, and for which header."""

import shlex
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from unmasq.base.clock import SystemClock
from unmasq.base.errors import UsageError
from unmasq.base.safe import terminal
from unmasq.cli import output as out
from unmasq.cli.flags import StoreFlag
from unmasq.serve.backend import open_trust
from unmasq.serve.contract import body_of
from unmasq.serve.protocol import Trusted, TrustedProxy

app = App(name="trust", help="The proxies whose headers are believed.")
app.command("unmasq.cli.config_preset:app", name="preset", help="Declare a kind of proxy that many have.")

Output = Annotated[Literal["table", "json"], Parameter(alias="-o")]


@app.command
def add(
    name: str,
    /,
    *range: str,  # noqa: A002  # it is called so in the help
    store: StoreFlag,
    header: str = "x-forwarded-for",
    output: Output = "table",
) -> None:
    """Believe the machines of some ranges for one header, which every one of them must write on every request.

    Parameters
    ----------
    name:
        What answers call the proxy.
    range:
        Addresses or ranges, IPv4 or IPv6.
    header:
        The header that these machines append to or overwrite.
    output:
        The list as a table or JSON.
    """
    if not range:
        raise UsageError(f"which machines are {name}?", "a trusted proxy needs an address", "unmasq config trust add NAME RANGE ...")
    with open_trust(store, SystemClock(), writing=True) as desk:
        trusted = desk.trust_add([TrustedProxy(name, each, header) for each in range])
    warn(trusted)
    show(trusted, output)
    tell_what_is_next(store)


@app.command
def remove(name: str, /, *, store: StoreFlag, output: Output = "table") -> None:
    """Believe a proxy no longer.

    Parameters
    ----------
    name:
        The name of a proxy, with all its ranges, or one range.
    output:
        The list as a table or JSON.
    """
    with open_trust(store, SystemClock(), writing=True) as desk:
        trusted = desk.trust_remove(name)
    show(trusted, output)
    tell_what_is_next(store)


@app.command(name="list")
def list_(*, store: StoreFlag, output: Output = "table") -> None:
    """Print the trust list and its version.

    Parameters
    ----------
    output:
        The list as a table or JSON.
    """
    with open_trust(store, SystemClock()) as desk:
        show(desk.trust(), output)


def warn(trusted: Trusted) -> None:
    """Say what speaks against what was added."""
    for warning in trusted.warnings:
        out.note(f"warning: {warning}")


def show(trusted: Trusted, output: str) -> None:
    """Print the list, and its version beside it."""
    if output == "json":
        out.write(body_of(trusted))
        return
    for proxy in trusted.proxies:
        print(f"{terminal(proxy.name):<20}  {proxy.range:<40}  {proxy.header}")
    out.note(f"trust list {trusted.version}" + ("" if trusted.proxies else ": nobody is trusted"))


def tell_what_is_next(store: Path) -> None:
    """Say what becomes of flows."""
    out.note(f"new flows are judged by it; for those that are stored: {shlex.join(['unmasq', 'rejudge', '--store', str(store)])}")
