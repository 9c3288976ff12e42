"""`unmasq trace`: who is this address?"""

from typing import Annotated, Literal

from cyclopts import Parameter

from unmasq.base.clock import SystemClock
from unmasq.base.errors import UsageError
from unmasq.cli.ending import Exit
from unmasq.cli.flags import ExitCodeFlag, UtcFlag
from unmasq.cli.where import NOWHERE, Where
from unmasq.cli.window import ALWAYS, Window

Output = Literal["table", "json", "jsonl", "csv", "md"]


def trace(
    address: str | None = None,
    /,
    *,
    where: Where = NOWHERE,
    output: Annotated[Output, Parameter(alias="-o")] = "table",
    from_file: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    window: Annotated[Window, Parameter(name="*")] = ALWAYS,
    exit_code: ExitCodeFlag = False,
    utc: UtcFlag = False,
) -> int:
    """Tell who an address is, by which ways it came, and what of it is only claimed.

    Parameters
    ----------
    address:
        An address or range, IPv4 or IPv6, also with a port or in brackets.
    output:
        Sentences, JSON as the API has it, a line of JSON or CSV for each address, or Markdown for a ticket.
    from_file:
        A list of addresses and ranges, one a line, - for standard input: one line for each, found or not.
    """
    from unmasq.cli.trace_list import read_list
    from unmasq.cli.trace_output import Printer
    from unmasq.model.address import parse_range
    from unmasq.report.sentences import teller_of

    if (address is None) == (from_file is None):
        raise UsageError("trace which address?", "it takes one address, or a list of them", "unmasq trace 203.0.113.9, or --from-file LIST")
    if address is not None:
        parse_range(address)  # what is no address is said before any store is looked for
    where.check("trace")
    clock, wanted = SystemClock(), window.filter()
    listed = None if from_file is None else read_list(from_file)
    printer = Printer(output, teller_of(clock.now_us(), where.words(), utc=utc), several=listed is not None)
    with where.asked() as backend:
        found = printer.show(backend.trace(each, wanted) for each in listed or [address or ""])
    if listed is not None and listed.junk:
        return Exit.PARTIAL
    return Exit.NOTHING_FOUND if exit_code and not found else Exit.DONE
