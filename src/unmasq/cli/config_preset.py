"""`unmasq config trust preset`: kinds of proxies that many have, declared from what only their user knows."""

from pathlib import Path

from cyclopts import App

from unmasq.base.clock import SystemClock
from unmasq.base.errors import UsageError
from unmasq.base.safe import terminal
from unmasq.cli import output as out
from unmasq.cli.config_trust import Output, show, tell_what_is_next, warn
from unmasq.cli.flags import StoreFlag
from unmasq.serve.backend import open_trust
from unmasq.serve.protocol import Trusted, TrustedProxy
from unmasq.unwind import presets
from unmasq.unwind.published import ranges_of

app = App(name="preset", help="Declare a kind of proxy that many have.")


@app.command(name="aws-alb")
def aws_alb(*, store: StoreFlag, subnet: list[str] | None = None, name: str = "aws-alb", output: Output = "table") -> None:
    """An application load balancer of AWS, by its subnets.

    Parameters
    ----------
    subnet:
        A range of each subnet that the load balancer is in; never the whole VPC.
    name:
        What answers call it.
    output:
        The list as a table or JSON.
    """
    _declare(store, name, presets.aws_alb(name, subnet or ()), output)


@app.command(name="google-lb")
def google_lb(*, store: StoreFlag, forwarding_rule: list[str] | None = None, name: str = "google-lb", output: Output = "table") -> None:
    """A global or classic application load balancer of Google, by the addresses of its forwarding rules.

    Parameters
    ----------
    forwarding_rule:
        The address to which its clients connect.
    name:
        What answers call it.
    output:
        The list as a table or JSON.
    """
    _declare(store, name, presets.google_lb(name, forwarding_rule or ()), output)


@app.command
def cdn(name: str, /, *, store: StoreFlag, ranges_file: Path, header: str, output: Output = "table") -> None:
    """A content delivery network, by the ranges that it publishes. Given again with a new file, it replaces the old ones.

    Parameters
    ----------
    name:
        What answers call it.
    ranges_file:
        A file with its ranges, one a line or the JSON of the publisher. Nothing is fetched.
    header:
        The header that it writes on every request, as cf-connecting-ip, true-client-ip or x-forwarded-for.
    output:
        The list as a table or JSON.
    """
    _declare(store, name, presets.cdn(name, ranges_of(_text(ranges_file)), header), output)


def _declare(store: Path, name: str, preset: presets.Preset, output: str) -> None:
    wanted = [TrustedProxy(each.name, each.range.text, each.header) for each in preset.entries]
    with open_trust(store, SystemClock(), writing=True) as desk:
        before = desk.trust()
        trusted = desk.trust_set(wanted)
    warn(trusted)
    show(trusted, output)
    _tell(name, before, trusted)
    for sentence in preset.missing:
        out.note(f"still yours to see to: {sentence}")
    tell_what_is_next(store)


def _tell(name: str, before: Trusted, after: Trusted) -> None:
    """What of the list is new, and what is gone."""
    for verb, these, others in (("declares", after, before), ("no longer believes", before, after)):
        for each in these.proxies:
            if each not in others.proxies:
                out.note(f"{terminal(name)} {verb} {each.range} for {each.header}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the ranges in {path}", str(error), "one range a line, or the publisher's JSON") from None
