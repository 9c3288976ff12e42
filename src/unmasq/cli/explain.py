"""`unmasq explain`: every line of a log with its verdict, so that anyone can check it."""

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from unmasq.base.clock import SystemClock
from unmasq.base.safe import json, shortened, terminal
from unmasq.base.telemetry import Counters
from unmasq.read.formats.proxies import FormatName

_WIDEST = 200


def explain(
    *,
    input: Annotated[list[str], Parameter(allow_leading_hyphen=True)],  # noqa: A002  # the flag's name
    format: FormatName = "auto",  # noqa: A002  # the flag's name
    trust: Annotated[str, Parameter(show_default=False)] = "",
    output: Annotated[Literal["text", "jsonl"], Parameter(name=("--output", "-o"))] = "text",
) -> None:
    """Show for each line of a log who came, by which hops, and why.

    There is no kernel here: the walk starts at the source that the line itself logs.

    Parameters
    ----------
    input:
        A log to read (repeatable); - is standard input.
    format:
        The proxy that writes the log: lines of other formats are rejected; auto takes each line for what it is.
    trust:
        Ranges whose machines write X-Forwarded-For on every request, separated by commas; or RANGE=HEADER for one of the other headers.
    output:
        text for people; jsonl for programs, one object for each line.
    """
    import msgspec

    from unmasq.cli.once import at_rest
    from unmasq.node.explain import explain as explained
    from unmasq.node.explain import steps
    from unmasq.unwind.trust import TrustList, entries_of

    now_us = SystemClock().now_us()
    listed = TrustList(entries_of(trust), 1)
    chunks = at_rest(input, Counters(), {}, now_us)
    encode, write = msgspec.json.Encoder().encode, sys.stdout.buffer.write
    for explanation, verdict in explained(chunks, listed, now_us, format):
        if output == "jsonl":
            write(json(encode(explanation)) + b"\n")
        else:
            told = (shortened(terminal(step), _WIDEST) for step in steps(explanation, verdict, listed))
            write("\n  ".join([f"line {explanation.line}", *told, ""]).rstrip(" ").encode())
