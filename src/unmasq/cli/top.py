"""`unmasq top`: who had most requests, and who of them is new."""

from typing import Annotated, Literal

from cyclopts import Parameter

from unmasq.cli.ending import Exit
from unmasq.cli.filters import EVERY_FLOW, FILTERS, Flags
from unmasq.cli.flags import ExitCodeFlag, UtcFlag
from unmasq.cli.where import NOWHERE, Where

Output = Literal["table", "json", "jsonl", "csv"]
By = Literal["client", "source", "nat-source", "claim", "original-source"]


def top(
    *,
    where: Where = NOWHERE,
    wanted: Annotated[Flags, Parameter(name="*", group=FILTERS)] = EVERY_FLOW,
    by: By = "client",
    limit: int = 20,
    new: bool = False,
    output: Annotated[Output, Parameter(alias="-o")] = "table",
    exit_code: ExitCodeFlag = False,
    utc: UtcFlag = False,
) -> int:
    """Rank addresses by their requests; `new` marks those of which nothing is kept from before the window.

    Parameters
    ----------
    by:
        What the addresses are to a flow: client, source, ...; claims are unverified.
    limit:
        Addresses that are shown, at most 1000.
    new:
        Only those that are new: with --since or --last.
    output:
        A table, JSON as the API has it, a line of JSON an address, or CSV.
    """
    from unmasq.cli import output as out
    from unmasq.cli.top_output import show
    from unmasq.keep.ask.predicate import compiled

    filtered = wanted.filter()
    compiled(filtered)  # a filter that cannot be is refused before any store is looked for
    where.check("top")
    with where.asked() as backend:
        found = backend.top(filtered, by.replace("-", "_"), limit, only_new=new)
    show(found, output, utc=utc)
    if output != "json":
        out.doubts(found)
    if not found.ranked:
        out.note("no address of this filter" + (" is new" if new else ""))
    return Exit.NOTHING_FOUND if exit_code and not found.ranked else Exit.DONE
